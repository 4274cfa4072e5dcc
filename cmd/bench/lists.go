package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/projections"
	plannerrows "github.com/igny8/igny8/projections/planner"
	"github.com/igny8/igny8/projections/table"
)

// The lists that are compared: 25 of the account's keywords of at least that
// volume, the largest first, with the count of all.
const (
	listedKeywords = 1000
	leastVolume    = 250
)

// compareLists sets lists beside the same SQL by hand, which asks for no
// account, no checkpoint and no row-level security: the read model's own, and
// the whole request against a handler of net/http that does nothing else.
func (c *client) compareLists(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	if err := c.createListed(ctx, in); err != nil {
		return err
	}
	bare, err := newBareList(ctx, in.Pool(postgres.RoleProjector), c.account)
	if err != nil {
		return err
	}
	defer bare.close()
	reader, keywords := projections.NewReader(in.Pool(postgres.RoleApp), nil), plannerrows.Keywords()
	query := table.Query{
		PageSize: 25, Order: []string{"-volume"},
		Filters: []table.Filter{{Field: "volume", Op: table.Gte, Values: []string{strconv.Itoa(leastVolume)}}},
	}
	both, err := inTurns(ctx, 1, size.while,
		func(ctx context.Context) error {
			page, err := keywords.List(ctx, reader, table.Scope{Account: c.account, AllSites: true}, query)
			if err == nil && len(page.Rows) != 25 {
				err = fmt.Errorf("a page of %d rows", len(page.Rows))
			}
			return err
		},
		func(ctx context.Context) error {
			_, _, err := bare.page(ctx)
			return err
		})
	if err != nil {
		return err
	}
	c.listRow(t, "page of 25 from the read model, without HTTP", "the same SQL by hand", both)
	for _, callers := range []int{1, connections} {
		both, err := inTurns(ctx, callers, size.while,
			func(ctx context.Context) error {
				return c.do(ctx, http.MethodGet, fmt.Sprintf("%splanner/keywords/?page_size=25&volume__gte=%d&ordering=-volume", c.url, leastVolume), nil, nil)
			},
			func(ctx context.Context) error { return c.do(ctx, http.MethodGet, bare.url, nil, nil) })
		if err != nil {
			return err
		}
		c.listRow(t, fmt.Sprintf("page of 25 over HTTP, %d connections", callers), "net/http handler, the same SQL by hand", both)
	}
	return nil
}

func (c *client) listRow(t *tableOf, what, against string, both []series) {
	list, hand, slower := both[0], both[1], ratio(both[0], both[1], p50Of)
	t.row(what, fmt.Sprintf("%s, p50 %s, p99 %s", perSecond(list.perSecond()), took(list.p50()), took(list.p99())),
		fmt.Sprintf("%s: %s, p50 %s", against, perSecond(hand.perSecond()), took(hand.p50())), slower.times(), atMost(slower.median, 1.2, "x the time"))
}

// createListed makes the keywords that are listed, and waits until they are.
func (c *client) createListed(ctx context.Context, in *installation) error {
	const atOnce = 100
	for range listedKeywords / atOnce {
		items := make([]map[string]any, atOnce)
		for i := range items {
			items[i] = c.keywordFields()
		}
		if err := c.post(ctx, "planner/keywords/bulk_create/", map[string]any{"items": items}, nil); err != nil {
			return err
		}
	}
	head, err := in.log.Head(ctx)
	if err != nil {
		return err
	}
	reader := projections.NewReader(in.Pool(postgres.RoleApp), nil)
	if err := reader.WaitFor(ctx, []projections.Key{plannerrows.Keywords().Key()}, head); err != nil {
		return err
	}
	_, err = in.Pool(postgres.RoleOwner).Exec(ctx, "ANALYZE "+plannerrows.Keywords().Key().Table())
	return err
}

// bareList is a handler that does the list's SQL and nothing else.
type bareList struct {
	pool     *pgxpool.Pool
	account  es.ID
	server   *http.Server
	listener net.Listener
	url      string
}

func newBareList(ctx context.Context, pool *pgxpool.Pool, account es.ID) (*bareList, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &bareList{pool: pool, account: account, listener: listener, url: "http://" + listener.Addr().String() + "/"}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: time.Second}
	go func() { _ = b.server.Serve(listener) }() // it ends with close.
	return b, nil
}

func (b *bareList) close() { _ = b.server.Close() }

// ServeHTTP answers the page.
func (b *bareList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, count, err := b.page(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "count": count, "results": page}) // the client may be gone.
}

func (b *bareList) page(ctx context.Context) (page []plannerrows.Keyword, count int64, err error) {
	batch := &pgx.Batch{}
	keywords := plannerrows.Keywords().Key().Table()
	batch.Queue(`SELECT count(*) FROM `+keywords+` WHERE account_id = $1 AND deleted_at IS NULL AND volume >= $2`, b.account, leastVolume).
		QueryRow(func(row pgx.Row) error { return row.Scan(&count) })
	batch.Queue(`SELECT id, account_id, site_id, sector_id, revision, created_at, updated_at, position, keyword, country, volume, volume_is_bucket,
		difficulty, cpc, currency, intents, intent_source, intent_confidence, trend, parent_topic, serp_urls, cluster_id, status, disabled
		FROM `+keywords+` WHERE account_id = $1 AND deleted_at IS NULL AND volume >= $2 ORDER BY volume DESC, id LIMIT 25`, b.account, leastVolume).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var k plannerrows.Keyword
				err := rows.Scan(&k.ID, &k.AccountID, &k.SiteID, &k.SectorID, &k.Revision, &k.CreatedAt, &k.UpdatedAt, &k.Position, &k.Keyword, &k.Country,
					&k.Volume, &k.VolumeIsBucket, &k.Difficulty, &k.CPC, &k.Currency, &k.Intents, &k.IntentSource, &k.IntentConfidence, &k.Trend,
					&k.ParentTopic, &k.SerpURLs, &k.ClusterID, &k.Status, &k.Disabled)
				if err != nil {
					return err
				}
				page = append(page, k)
			}
			return rows.Err()
		})
	return page, count, b.pool.SendBatch(ctx, batch).Close()
}
