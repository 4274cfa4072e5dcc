package tenancy

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections"
)

// Tree knows what belongs to which site and sector, and what of it is deleted:
// of every kind, also of those that come later. Its SQL is the projection.
type Tree struct{ reader *projections.Reader }

// NewTree reads the projection that TreeProjection makes.
func NewTree(r *projections.Reader) Tree { return Tree{reader: r} }

// TreeProjection is what Tree reads: a row for each aggregate in a site.
func TreeProjection() projections.SQL {
	return projections.SQL{
		Name: "tenancy_tree", Version: 1, Types: []string{"*"},
		DDL: `CREATE TABLE tenancy_tree_v1 (
	account_id uuid NOT NULL,
	id uuid NOT NULL,
	kind text COLLATE "C" NOT NULL,
	site_id uuid NOT NULL,
	sector_id uuid,
	deletion_id uuid,
	PRIMARY KEY (account_id, id, kind)
);
CREATE INDEX tenancy_tree_v1_site ON tenancy_tree_v1 (account_id, site_id, id, kind)`,
		Func: growTree,
	}
}

// Under lists up to limit leaves of the branch after one, by id and kind.
// Errors: es.Unavailable when the tree does not reach the position in time.
func (t Tree) Under(ctx context.Context, b tenancy.Branch, after tenancy.Leaf, limit int) ([]tenancy.Leaf, error) {
	var leaves []tenancy.Leaf
	_, err := t.reader.Query(ctx, t.read(b.Tenant, b.AtLeast), `SELECT id, kind FROM tenancy_tree_v1
		WHERE account_id = $1 AND site_id = $2 AND ($3::uuid IS NULL OR sector_id = $3)
		AND deletion_id IS NOT DISTINCT FROM $4 AND kind = ANY($5) AND (id, kind) > ($6, $7) ORDER BY id, kind LIMIT $8`,
		[]any{b.Tenant.Account, b.Tenant.Site, orNull(b.Tenant.Sector), orNull(b.Deletion), b.Kinds, after.ID, after.Kind, limit},
		func(rows pgx.Rows) error {
			var leaf tenancy.Leaf
			if err := projections.ScanColumn(rows, projections.FirstColumn, &leaf.ID); err != nil {
				return err
			}
			if err := projections.ScanColumn(rows, projections.FirstColumn+1, &leaf.Kind); err != nil {
				return err
			}
			leaves = append(leaves, leaf)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("listing a branch: %w", err)
	}
	return leaves, nil
}

// Deletion is the id of the deletion that the site is under, or else the
// sector; zero while both live. It is true for the position that comes with it.
// Errors: as Under.
func (t Tree) Deletion(ctx context.Context, tenant es.Tenant, atLeast int64) (es.ID, int64, error) {
	var deletion es.ID
	position, err := t.reader.Query(ctx, t.read(tenant, atLeast), `SELECT deletion_id FROM tenancy_tree_v1
		WHERE account_id = $1 AND deletion_id IS NOT NULL AND (id = $2 AND kind = $3 OR id = $4 AND kind = $5)
		ORDER BY kind = $3 DESC LIMIT 1`,
		[]any{tenant.Account, tenant.Site, tenancy.SiteKind.Name, tenant.Sector, tenancy.SectorKind.Name},
		func(rows pgx.Rows) error { return projections.ScanColumn(rows, projections.FirstColumn, &deletion) })
	if err != nil {
		return es.ID{}, 0, fmt.Errorf("looking up a deletion: %w", err)
	}
	return deletion, position, nil
}

func (Tree) read(t es.Tenant, atLeast int64) projections.Read {
	return projections.Read{
		Account: t.Account, Uses: []projections.Key{TreeProjection().Key()}, AtLeast: atLeast, Wait: projections.MaxWait,
	}
}

type treeKey struct {
	account, id es.ID
	kind        string
}

// treeChange is what a batch of events comes to for one aggregate.
type treeChange struct {
	tenant        es.Tenant
	created, gone bool
	moved         bool // deleted or restored
	deletion      es.ID
}

func growTree(ctx context.Context, tx pgx.Tx, events []projections.Decoded) error {
	changes := map[treeKey]*treeChange{}
	for _, e := range events {
		if e.Site == (es.ID{}) {
			continue
		}
		key := treeKey{e.Stream.Account, e.Stream.ID, e.Stream.Kind}
		c := changes[key]
		if c == nil {
			c = &treeChange{tenant: e.Tenant()}
		}
		switch event := e.Event.(type) {
		case es.Deleted:
			c.moved, c.deletion = true, event.DeletionID
		case es.Restored:
			c.moved, c.deletion = true, es.ID{}
		case es.Purged:
			c.gone = true
		default:
			if e.Revision > 1 {
				continue
			}
			c.created = true
		}
		changes[key] = c
	}
	return writeTree(ctx, tx, changes)
}

// writeTree writes the changes, each sort in one statement.
func writeTree(ctx context.Context, tx pgx.Tx, changes map[treeKey]*treeChange) error {
	var created, moved, gone treeRows
	for key, c := range changes {
		switch {
		case c.gone:
			gone.add(key, c)
		case c.created:
			created.add(key, c)
		case c.moved:
			moved.add(key, c)
		}
	}
	batch := &pgx.Batch{}
	created.queue(batch, `INSERT INTO tenancy_tree_v1 (account_id, id, kind, site_id, sector_id, deletion_id) SELECT * FROM r`)
	moved.queue(batch, `UPDATE tenancy_tree_v1 t SET deletion_id = r.deletion_id FROM r
		WHERE t.account_id = r.account_id AND t.id = r.id AND t.kind = r.kind`)
	gone.queue(batch, `DELETE FROM tenancy_tree_v1 t USING r
		WHERE t.account_id = r.account_id AND t.id = r.id AND t.kind = r.kind`)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("writing the tree: %w", err)
	}
	return nil
}

// treeRows are rows as arrays, one a column.
type treeRows struct {
	accounts, ids, sites []es.ID
	kinds                []string
	sectors, deletions   []*es.ID
}

func (r *treeRows) add(key treeKey, c *treeChange) {
	r.accounts, r.ids, r.kinds = append(r.accounts, key.account), append(r.ids, key.id), append(r.kinds, key.kind)
	r.sites, r.sectors = append(r.sites, c.tenant.Site), append(r.sectors, orNull(c.tenant.Sector))
	r.deletions = append(r.deletions, orNull(c.deletion))
}

// queue runs a statement upon the rows, which it knows as r.
func (r *treeRows) queue(batch *pgx.Batch, statement string) {
	if len(r.ids) == 0 {
		return
	}
	batch.Queue(strings.Join([]string{
		`WITH r(account_id, id, kind, site_id, sector_id, deletion_id) AS (`,
		`SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[]))`, statement,
	}, " "), r.accounts, r.ids, r.kinds, r.sites, r.sectors, r.deletions)
}

func orNull(id es.ID) *es.ID {
	if id == (es.ID{}) {
		return nil
	}
	return &id
}
