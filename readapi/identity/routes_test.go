package identity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	identitycommands "github.com/igny8/igny8/commands/identity"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/credentials"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/idempotency"
	"github.com/igny8/igny8/infra/jwt"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/vault"
	rows "github.com/igny8/igny8/projections/identity"
	"github.com/igny8/igny8/readapi"
	"github.com/igny8/igny8/readapi/identity"
)

const signUp = `{"email":"Ada@example.org","password":"analytical engine","first_name":"Ada","last_name":"Lovelace","account_name":"Engines","plan_slug":"free"}`

func TestAPersonSignsUpAndSeesThemselves(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.do(t, "POST", "auth/register/", signUp)
	a.is(t, http.StatusCreated)
	if a.text("user.email") != "Ada@example.org" || a.text("user.role") != "owner" || a.text("account.slug") != "engines" ||
		a.text("account.plan_slug") != "free" || a.text("account.owner_id") != a.text("user.id") ||
		a.header.Get("Location") != "/api/v1/auth/users/"+a.text("user.id")+"/" || a.header.Get("X-Consistency-Token") == "" {
		t.Errorf("%s %v", a.body, a.header)
	}
	expires, err := time.Parse(time.RFC3339, a.text("expires_at"))
	if err != nil || time.Until(expires) > jwt.Lifetime || time.Until(expires) < jwt.Lifetime-time.Minute {
		t.Errorf("it expires at %s, %v", expires, err)
	}
	me := s.do(t, "GET", "auth/me/", "", "Authorization", "Bearer "+a.text("access_token"))
	me.is(t, http.StatusOK)
	if me.text("email") != "Ada@example.org" || me.text("id") != a.text("user.id") || !strings.HasPrefix(me.header.Get("ETag"), `"1.`) {
		t.Errorf("%s %v", me.body, me.header)
	}
	s.do(t, "POST", "auth/register/", signUp).is(t, http.StatusConflict, "taken", "email")
	s.do(t, "POST", "auth/register/", `{"email":"x","password":"short","first_name":"","account_name":""}`).
		is(t, http.StatusBadRequest, "invalid", "account_name", "email", "first_name", "password")
	s.do(t, "POST", "auth/register/", `{"email":"x@example.org","hello":1}`).is(t, http.StatusBadRequest, "invalid")
}

func TestARepeatUnderAnIdempotencyKeyHasThePersonAndNoSecrets(t *testing.T) {
	t.Parallel()
	s := serve(t)
	login := `{"email":"ada@example.org","password":"analytical engine"}`
	for _, c := range []struct{ path, body string }{{"auth/register/", signUp}, {"auth/login/", login}} {
		first := s.do(t, "POST", c.path, c.body, "Idempotency-Key", "k")
		again := s.do(t, "POST", c.path, c.body, "Idempotency-Key", "k")
		if again.status != first.status || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: %d, then %d %v", c.path, first.status, again.status, again.header)
		}
		if first.text("access_token") == "" || strings.Contains(again.body, "token\"") {
			t.Errorf("%s: the repeat says %s", c.path, again.body)
		}
		for _, path := range []string{"user.email", "user.first_name", "user.id", "account.id", "expires_at"} {
			if again.text(path) != first.text(path) || first.text(path) == "" {
				t.Errorf("%s: %s is %q, and in the repeat %q", c.path, path, first.text(path), again.text(path))
			}
		}
	}
	s.do(t, "POST", "auth/login/", `{"email":"bob@example.org","password":"analytical engine"}`, "Idempotency-Key", "k").is(t, http.StatusUnprocessableEntity, "idempotency_key_reused")
}

func TestAWrongLoginIsUnauthorized(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.do(t, "POST", "auth/register/", signUp).is(t, http.StatusCreated)
	known := s.do(t, "POST", "auth/login/", `{"email":"ada@example.org","password":"wrong password"}`)
	known.is(t, http.StatusUnauthorized, "bad_credentials")
	unknown := s.do(t, "POST", "auth/login/", `{"email":"bob@example.org","password":"wrong password"}`)
	if unknown.withoutRequestID() != known.withoutRequestID() {
		t.Errorf("an unknown address is told apart: %s and %s", known.body, unknown.body)
	}
	s.do(t, "GET", "auth/me/", "", "Authorization", "Bearer x.y.z").is(t, http.StatusUnauthorized, "token_invalid")
	s.do(t, "GET", "auth/me/", "").is(t, http.StatusUnauthorized, "unauthorized")
}

func TestARefreshTokenServesOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	token := s.do(t, "POST", "auth/register/", signUp).text("refresh_token")
	next := s.do(t, "POST", "auth/refresh/", `{"refresh_token":"`+token+`"}`, "Idempotency-Key", "k")
	next.is(t, http.StatusOK)
	if next.text("refresh_token") == token || next.text("user.email") != "Ada@example.org" || next.text("account.slug") != "engines" {
		t.Errorf("%s", next.body)
	}
	again := s.do(t, "POST", "auth/refresh/", `{"refresh_token":"`+token+`"}`, "Idempotency-Key", "k")
	again.is(t, http.StatusOK)
	last := s.do(t, "POST", "auth/token/refresh/", `{"refresh_token":"`+next.text("refresh_token")+`"}`)
	last.is(t, http.StatusOK)
	s.do(t, "POST", "auth/refresh", `{"refresh_token":"`+token+`"}`).is(t, http.StatusUnauthorized, "refresh_reused")
	s.do(t, "POST", "auth/refresh/", `{"refresh_token":"`+last.text("refresh_token")+`"}`).is(t, http.StatusUnauthorized, "refresh_invalid")
	s.do(t, "POST", "auth/refresh/", `{}`).is(t, http.StatusBadRequest, "invalid", "refresh_token")
}

func TestALogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, body := range []string{"", "{}", `{"refresh_token":"nobody issued it"}`} {
		var in answer
		if body == "" {
			in = s.do(t, "POST", "auth/register/", signUp)
		} else {
			in = s.do(t, "POST", "auth/login/", `{"email":"ada@example.org","password":"analytical engine"}`)
		}
		for range 2 {
			out := s.do(t, "POST", "auth/logout/", body, "Authorization", "Bearer "+in.text("access_token"))
			out.is(t, http.StatusOK)
		}
		s.do(t, "POST", "auth/refresh/", `{"refresh_token":"`+in.text("refresh_token")+`"}`).is(t, http.StatusUnauthorized, "refresh_invalid")
	}
	s.do(t, "POST", "auth/logout/", "").is(t, http.StatusUnauthorized, "unauthorized")
}

func TestPeopleChangeTheirNames(t *testing.T) {
	t.Parallel()
	s := serve(t)
	bearer := "Bearer " + s.do(t, "POST", "auth/register/", signUp).text("access_token")
	changed := s.do(t, "PATCH", "auth/me/", `{"first_name":" Augusta "}`, "Authorization", bearer, "If-Match", `"1.7"`)
	changed.is(t, http.StatusOK)
	if changed.text("first_name") != "Augusta" || changed.text("last_name") != "Lovelace" || changed.header.Get("ETag") != `"2"` {
		t.Errorf("%s %v", changed.body, changed.header)
	}
	s.do(t, "PATCH", "auth/me/", `{"first_name":"x"}`, "Authorization", bearer, "If-Match", `"1"`).is(t, http.StatusPreconditionFailed, "precondition")
	s.do(t, "PATCH", "auth/me/", `{"first_name":""}`, "Authorization", bearer).is(t, http.StatusBadRequest, "invalid", "first_name")
	s.do(t, "PATCH", "auth/me/", `{"first_name":null}`, "Authorization", bearer).is(t, http.StatusBadRequest, "invalid", "first_name")
	s.do(t, "PATCH", "auth/me/", `{"role":"developer"}`, "Authorization", bearer).is(t, http.StatusBadRequest, "invalid", "role")
	if me := s.do(t, "GET", "auth/me/", "", "Authorization", bearer); me.text("first_name") != "Augusta" {
		t.Errorf("%s", me.body)
	}
}

func TestLogsHoldNothingSecretOrPersonal(t *testing.T) {
	t.Parallel()
	s := serve(t)
	in := s.do(t, "POST", "auth/register/", signUp)
	s.do(t, "POST", "auth/login/", `{"email":"ada@example.org","password":"wrong password"}`)
	s.do(t, "POST", "auth/refresh/", `{"refresh_token":"`+in.text("refresh_token")+`"}`)
	s.do(t, "GET", "auth/me/", "", "Authorization", "Bearer "+in.text("access_token"))
	logged := s.logs()
	for _, secret := range []string{"xample.org", "Lovelace", "analytical", "wrong password", in.text("access_token"), in.text("refresh_token")} {
		if strings.Contains(logged, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(logged, in.text("user.id")) {
		t.Error("the log does not say who asked")
	}
}

type answer struct {
	status int
	body   string
	header http.Header
}

// text is a value of the answer's data, "" if it is not there.
func (a answer) text(path string) string {
	var tree struct {
		Data any `json:"data"`
	}
	_ = json.Unmarshal([]byte(a.body), &tree)
	at := tree.Data
	for name := range strings.SplitSeq(path, ".") {
		object, _ := at.(map[string]any)
		at = object[name]
	}
	text, _ := at.(string)
	return text
}

// is fails unless the answer has the status, and for errors the code and faults
// of the fields.
func (a answer) is(t *testing.T, status int, word ...string) {
	t.Helper()
	var e struct {
		Code   string
		Errors map[string][]string
	}
	_ = json.Unmarshal([]byte(a.body), &e)
	got := []string{}
	for field := range e.Errors {
		got = append(got, field)
	}
	slices.Sort(got)
	if a.status != status || len(word) > 0 && e.Code != word[0] || len(word) > 1 && !slices.Equal(got, word[1:]) {
		t.Fatalf("%d %s, want %d %v", a.status, a.body, status, word)
	}
}

func (a answer) withoutRequestID() string {
	var tree map[string]any
	_ = json.Unmarshal([]byte(a.body), &tree)
	delete(tree, "request_id")
	out, _ := json.Marshal(tree)
	return string(out)
}

type site struct {
	http.Handler
	mu  sync.Mutex
	log bytes.Buffer
}

func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *site) logs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *site) do(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1/"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return answer{w.Code, w.Body.String(), w.Header()}
}

// serve is the module's routes with real secrets and a log in memory.
func serve(t *testing.T) *site {
	t.Helper()
	db, log, s := pgtest.New(t), memory.New(), &site{}
	master, err := vault.OpenMasterKey(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := vault.New(db.Postgres.Pool(postgres.RoleAppender), master, vault.Config{})
	users := rows.Users()
	bus := commands.New(log, secrets, es.NewRegistry(domain.UserKind, tenancy.AccountKind, tenancy.PlanKind),
		slices.Concat(identitycommands.Ops(), tenancycommands.Ops()), commands.Config{}).
		WithShape(domain.UserKind.Name, commands.Shape{Zero: rows.User{}, Fold: users.Fold})
	bus.WithAccounts(tenancycommands.Accounts{Bus: bus})
	if err := tenancycommands.Seed(t.Context(), bus); err != nil {
		t.Fatal(err)
	}
	logins := db.Postgres.Pool(postgres.RoleLogin)
	service := &identitycommands.Service{
		Bus: bus, Accounts: accounts{bus, tenancycommands.Accounts{Bus: bus}},
		Passwords: credentials.NewPasswords(logins, credentials.NewHasher(credentials.Cost{Memory: 64, Time: 1, Threads: 1})),
		Refresh:   credentials.NewTokens(logins), Access: jwt.NewRing(secrets, time.Now), Emails: log, ClaimKeys: secrets,
	}
	api := readapi.New(readapi.Options{
		Bus: bus, Idempotency: idempotency.New(logins, secrets), Opener: secrets,
		Authenticator: identity.Authenticator{Service: service, Platform: es.PlatformAccount},
		Key:           master.Derive("edge"), Unthrottled: true, Logger: slog.New(slog.NewJSONHandler(s, nil)),
	})
	identity.Mount(api, service, users)
	s.Handler = api
	return s
}

// accounts is the tenancy module as identity asks it.
type accounts struct {
	bus     *commands.Bus
	tenancy tenancycommands.Accounts
}

func (a accounts) CheckPlan(ctx context.Context, slug string) error {
	plan, err := a.tenancy.Plan(ctx, slug)
	if err == nil && !plan.Selectable() {
		return es.Field("plan_slug", "There is no such plan.")
	}
	return err
}

func (a accounts) Open(ctx context.Context, r commands.Request, owner es.ID, n domain.NewAccount) (commands.Outcome, error) {
	return tenancycommands.Open(ctx, a.bus, r, tenancycommands.CreateAccount{Name: n.Name, Owner: owner, Plan: n.Plan})
}

func (a accounts) Account(ctx context.Context, id es.ID) (identitycommands.AccountSummary, error) {
	account, _, err := a.tenancy.Account(ctx, id)
	if err != nil || !account.Exists() {
		return identitycommands.AccountSummary{}, err
	}
	return identitycommands.AccountSummary{
		ID: id, Name: account.Name, Slug: account.Slug, OwnerID: &account.Owner,
		PlanSlug: account.Plan, Status: string(account.Status),
	}, nil
}
