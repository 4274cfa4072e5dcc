package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/igny8/igny8/commands"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
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
	if err := c.compareLists(ctx, in, size, t); err != nil {
		return err
	}
	return c.compareCreates(ctx, in, bus, size, t)
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
	_, err := c.send(ctx, method, strings.TrimPrefix(url, c.url), "application/json", body, "", into)
	return err
}

// send sends a body to a path under the API, or to a whole address, and reads the
// answer's data, or the whole of it where it has none. It sees all that a
// consistency token stands for, and gives the answer's.
func (c *client) send(ctx context.Context, method, path, contentType string, body []byte, token string, into any) (string, error) {
	url := path
	if !strings.HasPrefix(path, "http://") {
		url = c.url + path
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", contentType)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if token != "" {
		r.Header.Set("X-Consistency-Token", token)
		r.Header.Set("Prefer", "wait=5")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, text)
	}
	if into == nil {
		return answer.Header.Get("X-Consistency-Token"), nil
	}
	var envelope struct{ Data json.RawMessage }
	if err := json.Unmarshal(text, &envelope); err != nil {
		return "", err
	}
	if envelope.Data == nil {
		envelope.Data = text
	}
	return answer.Header.Get("X-Consistency-Token"), json.Unmarshal(envelope.Data, into)
}
