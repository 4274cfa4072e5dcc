package planner

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/projections"
	"github.com/igny8/igny8/projections/table"
)

// ClusterTable is the table of clusters. What it reads is completed with what
// the members sum up to, in one more query a page.
type ClusterTable struct{ *table.Table[Cluster] }

// Clusters is the table of clusters.
func Clusters() ClusterTable {
	return ClusterTable{table.New(table.Spec[Cluster]{
		Name: "planner_clusters", Version: 2, Kind: planner.ClusterKind, Evolve: evolveCluster,
	})}
}

// Cluster is a topic: keywords that one page, or a few linked ones, can answer.
// The totals are null in answers to writes.
type Cluster struct {
	table.Base
	Name             string `db:"name" json:"name" filter:"eq,in" sort:"true" search:"true"`
	Description      string `db:"description" json:"description" search:"true"`
	Role             string `db:"role" json:"role" filter:"eq"`
	PrimaryKeywordID *es.ID `db:"primary_keyword_id" json:"primary_keyword_id"`
	Status           string `db:"status" json:"status" filter:"eq,in"`

	// PrimaryKeyword is the text of the primary one.
	PrimaryKeyword *string `db:"-" json:"primary_keyword"`
	// KeywordsCount is how many live keywords are in it, and Volume the searches
	// a month of those whose volume is known.
	KeywordsCount *int64 `db:"-" json:"keywords_count"`
	Volume        *int64 `db:"-" json:"volume"`
	// Intents are those of its keywords, the most frequent first.
	Intents []string `db:"-" json:"intents"`
}

func evolveCluster(row *Cluster, e es.Event) {
	switch e := e.(type) {
	case planner.ClusterCreated:
		row.Status = string(planner.ClusterIsNew)
		row.set(e.ClusterDetails)
	case planner.ClusterChanged:
		row.set(e.ClusterDetails)
	}
}

func (c *Cluster) set(d planner.ClusterDetails) {
	c.Name, c.Description, c.Role, c.PrimaryKeywordID = d.Name, d.Description, string(d.Role), nil
	if c.Role == "" {
		c.Role = string(planner.Supporting)
	}
	if d.Primary != (es.ID{}) {
		c.PrimaryKeywordID = &d.Primary
	}
}

// List reads one page, as table.Table does, with the members' totals.
func (t ClusterTable) List(ctx context.Context, r *projections.Reader, scope table.Scope, q table.Query) (table.Page[Cluster], error) {
	page, err := t.Table.List(ctx, r, scope, q)
	if err != nil {
		return page, err
	}
	return page, t.sumUp(ctx, r, scope.Account, q, page.Rows)
}

// Get reads one cluster, as table.Table does, with the members' totals.
func (t ClusterTable) Get(ctx context.Context, r *projections.Reader, scope table.Scope, id es.ID, q table.Query) (Cluster, int64, error) {
	row, at, err := t.Table.Get(ctx, r, scope, id, q)
	if err != nil {
		return row, at, err
	}
	rows := []Cluster{row}
	err = t.sumUp(ctx, r, scope.Account, q, rows)
	return rows[0], at, err
}

// sumUp fills in the totals of all rows by one query. A cluster's members are of
// its own site, so that who may see the cluster may see them.
func (ClusterTable) sumUp(ctx context.Context, r *projections.Reader, account es.ID, q table.Query, rows []Cluster) error {
	if len(rows) == 0 {
		return nil
	}
	ids, byID := make([]es.ID, len(rows)), make(map[es.ID]*Cluster, len(rows))
	for i := range rows {
		row := &rows[i]
		ids[i], byID[row.ID] = row.ID, row
		row.KeywordsCount, row.Volume, row.Intents = new(int64), new(int64), []string{}
	}
	key := Keywords().Key()
	read := projections.Read{Account: account, Uses: []projections.Key{key}, AtLeast: q.AtLeast, Wait: q.Wait}
	_, err := r.Query(ctx, read, fmt.Sprintf(`
		WITH members AS (
			SELECT id, cluster_id, keyword, volume, intents FROM %[1]s
			WHERE account_id = $1 AND cluster_id = ANY ($2) AND deleted_at IS NULL
		), wanted AS (
			SELECT cluster_id, intent, count(*) AS n FROM members, jsonb_array_elements_text(intents) AS intent GROUP BY 1, 2
		)
		SELECT m.cluster_id, count(*), coalesce(sum(m.volume), 0)::bigint,
			coalesce((SELECT array_agg(w.intent ORDER BY w.n DESC, w.intent) FROM wanted w WHERE w.cluster_id = m.cluster_id), '{}'),
			(SELECT p.keyword FROM members p JOIN unnest($2::uuid[], $3::uuid[]) AS c (cluster_id, primary_id)
				ON p.id = c.primary_id AND p.cluster_id = c.cluster_id WHERE p.cluster_id = m.cluster_id)
		FROM members m GROUP BY m.cluster_id`, key.Table()),
		[]any{account, ids, primaries(rows)},
		func(rows pgx.Rows) error {
			var sums Cluster
			var cluster es.ID
			targets := make([]any, len(rows.RawValues()))
			copy(targets[projections.FirstColumn:], []any{&cluster, &sums.KeywordsCount, &sums.Volume, &sums.Intents, &sums.PrimaryKeyword})
			if err := rows.Scan(targets...); err != nil {
				return err
			}
			if row := byID[cluster]; row != nil {
				row.KeywordsCount, row.Volume, row.Intents, row.PrimaryKeyword = sums.KeywordsCount, sums.Volume, sums.Intents, sums.PrimaryKeyword
			}
			return nil
		})
	if err != nil {
		return fmt.Errorf("summing up clusters' keywords: %w", err)
	}
	return nil
}

func primaries(rows []Cluster) []*es.ID {
	ids := make([]*es.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].PrimaryKeywordID
	}
	return ids
}
