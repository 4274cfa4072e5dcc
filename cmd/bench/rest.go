package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/commands"
	plannercommands "github.com/igny8/igny8/commands/planner"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/eventstore/bench"
	"github.com/igny8/igny8/infra/postgres"
	plannerrows "github.com/igny8/igny8/projections/planner"
)

const connections = 32

// client is somebody with an account, a site and a sector.
type client struct {
	http          *http.Client
	url, token    string
	account       es.ID
	site, sector  es.ID
	keywordNumber atomic.Int64
}

// measureREST drives the program over HTTP on this database.
func measureREST(ctx context.Context, in *installation, binary string, size sizes, t *tableOf) (err error) {
	p, err := serve(ctx, binary, "IGNY8_DATA="+in.folder+"-data", "IGNY8_MASTER_KEY_FILE="+in.keyFile(), "DATABASE_URL="+in.adminURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	bus := in.fullBus()
	c, err := newClient(ctx, p.url, bus)
	if err != nil {
		return err
	}
	if err := c.compareCreates(ctx, in, bus, size, t); err != nil {
		return err
	}
	return c.compareLists(ctx, in, size, t)
}

func newClient(ctx context.Context, url string, bus *commands.Bus) (*client, error) {
	c := &client{url: url + "/api/v1/", http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}}
	var session struct {
		Token   string             `json:"access_token"`
		Account struct{ ID es.ID } `json:"account"`
	}
	err := c.post(ctx, "auth/register/", map[string]any{
		"email": "bench@example.com", "password": "correct horse", "first_name": "Bench", "account_name": "Bench", "plan_slug": "free",
	}, &session)
	if err != nil {
		return nil, err
	}
	c.token, c.account = session.Token, session.Account.ID
	if _, err := bus.Do(ctx, commands.Request{
		Tenant: es.Tenant{Account: c.account}, Actor: es.System(), Target: c.account,
		Payload: tenancycommands.ChangeAccountPlan{Plan: tenancy.InternalPlan},
	}); err != nil {
		return nil, err
	}
	select { // the program may know the plan of a moment ago for a second.
	case <-time.After(1500 * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var made struct{ ID es.ID }
	if err := c.post(ctx, "auth/sites/", map[string]any{"name": "Bench", "domain": "bench.example.com", "industry": "automotive"}, &made); err != nil {
		return nil, err
	}
	c.site = made.ID
	if err := c.post(ctx, "auth/sectors/", map[string]any{"site_id": c.site, "name": "Bench"}, &made); err != nil {
		return nil, err
	}
	c.sector = made.ID
	return c, nil
}

func (c *client) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, c.url+path, text, into)
}

func (c *client) do(ctx context.Context, method, url string, body []byte, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, text)
	}
	if into == nil {
		return nil
	}
	envelope := struct{ Data any }{into}
	return json.Unmarshal(text, &envelope)
}

// keyword is a new one each time.
func (c *client) keyword() plannercommands.CreateKeyword {
	n := c.keywordNumber.Add(1)
	return plannercommands.CreateKeyword{SiteID: c.site, SectorID: c.sector, Keyword: fmt.Sprintf("bench keyword %d", n), Volume: &n}
}

func (c *client) compareCreates(ctx context.Context, in *installation, bus *commands.Bus, size sizes, t *tableOf) error {
	rest := func(ctx context.Context) error {
		k := c.keyword()
		return c.post(ctx, "planner/keywords/", map[string]any{"site_id": k.SiteID, "sector_id": k.SectorID, "keyword": k.Keyword, "volume": k.Volume}, nil)
	}
	command := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		_, err := bus.Do(ctx, commands.Request{
			Tenant: es.Tenant{Account: c.account, Site: c.site, Sector: c.sector}, Actor: es.System(), Payload: c.keyword(),
		})
		return err
	}
	store := func(ctx context.Context) error {
		_, err := in.store.Append(ctx, c.claiming(bench.NewAppend(c.account)))
		return err
	}
	for _, against := range []struct {
		name string
		f    func(context.Context) error
		aim  func(ratio float64) aim
	}{
		{"the command alone", command, func(float64) aim { return aim{} }},
		{"its append alone", store, func(ratio float64) aim { return atMost(ratio, 2, "x the time") }},
	} {
		over, alone, err := bench.Compare(ctx, connections, size.while, rest, against.f)
		if err != nil {
			return err
		}
		ratio := float64(over.P50) / float64(alone.P50)
		t.row(fmt.Sprintf("create over HTTP, %d connections", connections), fmt.Sprintf("%s, p50 %s, p99 %s", perSecond(over.PerSecond()), took(over.P50), took(over.P99)),
			fmt.Sprintf("%s: %s, p50 %s", against.name, perSecond(alone.PerSecond()), took(alone.P50)), times(ratio), against.aim(ratio))
	}
	one, oneAlone, err := bench.Compare(ctx, 1, size.while/2, rest, store)
	if err != nil {
		return err
	}
	ratio := float64(one.P50) / float64(oneAlone.P50)
	t.row("create over HTTP, one connection", "p50 "+took(one.P50), "its append alone: p50 "+took(oneAlone.P50), times(ratio), atMost(ratio, 2, "x the time"))
	return nil
}

// claiming gives an append the claims that a created keyword has.
func (c *client) claiming(a es.Append) es.Append {
	a.Claims = []es.ClaimChange{
		{Op: es.TakeClaim, Scope: c.account.String() + "/bench", Key: a.Stream.ID[:]},
		{Op: es.CountClaim, Scope: c.account.String() + "/bench", Delta: 1, Limit: 1 << 62},
	}
	return a
}

func (c *client) compareLists(ctx context.Context, in *installation, size sizes, t *tableOf) error {
	if _, err := in.Pool(postgres.RoleOwner).Exec(ctx, `ANALYZE planner_keywords_v1`); err != nil {
		return err
	}
	bare, err := newBareList(ctx, in.Pool(postgres.RoleProjector), c.account)
	if err != nil {
		return err
	}
	defer bare.close()
	for _, callers := range []int{1, connections} {
		rest, hand, err := bench.Compare(ctx, callers, size.while,
			func(ctx context.Context) error {
				return c.do(ctx, http.MethodGet, c.url+"planner/keywords/?page_size=25&volume__gte=10&ordering=-volume", nil, nil)
			},
			func(ctx context.Context) error { return c.do(ctx, http.MethodGet, bare.url, nil, nil) })
		if err != nil {
			return err
		}
		ratio := float64(rest.P50) / float64(hand.P50)
		t.row(fmt.Sprintf("list of 25 over HTTP, %d connections", callers), fmt.Sprintf("%s, p50 %s, p99 %s", perSecond(rest.PerSecond()), took(rest.P50), took(rest.P99)),
			fmt.Sprintf("net/http handler, the same SQL by hand: %s, p50 %s", perSecond(hand.PerSecond()), took(hand.P50)), times(ratio), atMost(ratio, 1.2, "x the time"))
	}
	return nil
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
	batch.Queue(`SELECT count(*) FROM planner_keywords_v1 WHERE account_id = $1 AND deleted_at IS NULL AND volume >= $2`, b.account, 10).
		QueryRow(func(row pgx.Row) error { return row.Scan(&count) })
	batch.Queue(`SELECT id, account_id, site_id, sector_id, revision, created_at, updated_at, position, keyword, country, volume, volume_is_bucket,
		difficulty, cpc, currency, intents, intent_source, intent_confidence, trend, parent_topic, serp_urls, status, disabled
		FROM planner_keywords_v1 WHERE account_id = $1 AND deleted_at IS NULL AND volume >= $2 ORDER BY volume DESC, id LIMIT 25`, b.account, 10).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var k plannerrows.Keyword
				err := rows.Scan(&k.ID, &k.AccountID, &k.SiteID, &k.SectorID, &k.Revision, &k.CreatedAt, &k.UpdatedAt, &k.Position, &k.Keyword, &k.Country,
					&k.Volume, &k.VolumeIsBucket, &k.Difficulty, &k.CPC, &k.Currency, &k.Intents, &k.IntentSource, &k.IntentConfidence, &k.Trend,
					&k.ParentTopic, &k.SerpURLs, &k.Status, &k.Disabled)
				if err != nil {
					return err
				}
				page = append(page, k)
			}
			return rows.Err()
		})
	return page, count, b.pool.SendBatch(ctx, batch).Close()
}
