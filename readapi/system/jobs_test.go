package system_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/tasks"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/idempotency"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	taskrows "github.com/igny8/igny8/infra/tasks"
	"github.com/igny8/igny8/infra/vault"
	"github.com/igny8/igny8/projections"
	rows "github.com/igny8/igny8/projections/tasks"
	"github.com/igny8/igny8/readapi"
	"github.com/igny8/igny8/readapi/system"
)

// office is an API before a worker, with everything in between.
type office struct {
	*testing.T
	url  string
	bus  *commands.Bus
	kind tasks.Kind
	ann  es.ID
	bob  es.ID
	// asked is what the next attempts do: "go", "wait" until they are let go, "fail".
	asked atomic.Pointer[string]
}

// Authenticate knows "<role>@ann" and "<role>@bob".
func (o *office) Authenticate(_ context.Context, token string) (readapi.Principal, error) {
	role, who, _ := strings.Cut(token, "@")
	account := map[string]es.ID{"ann": o.ann, "bob": o.bob}[who]
	return readapi.Principal{Account: account, Actor: es.Actor{Kind: es.UserActor, ID: account, Role: es.Role(role)}}, nil
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, ann: commands.NewID(), bob: commands.NewID()}
	o.kind = tasks.Declare("test.errand", commands.InAccount, time.Minute, tasks.Work[noted, noted]{
		Attempts: 1,
		Do: func(ctx context.Context, run *tasks.Run, in noted) (noted, error) {
			switch *o.asked.Load() {
			case "fail":
				return in, io.ErrUnexpectedEOF
			case "wait":
				run.Progress("walking", 1, 2)
				<-ctx.Done()
				return in, ctx.Err()
			}
			run.Progress("walking", 2, 2)
			return in, nil
		},
	})
	db := pgtest.New(t).Postgres
	master, err := vault.OpenMasterKey(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	sealer := vault.New(db.Pool(postgres.RoleAppender), master, vault.Config{})
	registry, table, bell := es.NewRegistry(domain.Kind), rows.Tasks(), tasks.NewBell()
	store := eventstore.NewStore(db.Pool(postgres.RoleAppender))
	log := eventstore.NewLog(db.Pool(postgres.RoleProjector), eventstore.WithListener(taskrows.Channel, bell.Ring))
	t.Cleanup(func() { store.Close(); log.Close() })
	o.bus = commands.New(store, sealer, registry, tasks.Ops(o.kind), commands.Config{}).
		WithShape(domain.Kind.Name, commands.Shape{Fold: table.Fold})
	models := []projections.Projection{table}
	admin := &projections.Admin{
		Owner: db.Pool(postgres.RoleOwner), Projector: db.Pool(postgres.RoleProjector), Log: log, Registry: registry, Projections: models,
	}
	if err := admin.Ensure(t.Context(), func(projections.Progress) {}); err != nil {
		t.Fatal(err)
	}
	positions := projections.NewPositions()
	runner := projections.NewRunner(projections.Config{
		Pool: db.Pool(postgres.RoleProjector), Log: log, Registry: registry, Projections: models, Positions: positions,
	})
	worker := tasks.NewWorker(tasks.Config{
		Kinds: []tasks.Kind{o.kind}, Queue: taskrows.NewQueue(db.Pool(postgres.RoleProjector), tasks.LeaseTime), Bus: o.bus, Bell: bell,
	})
	reactions := tasks.Reactions(taskrows.NewRows(db.Pool(postgres.RoleProjector)))
	o.background(func(ctx context.Context) { _ = runner.Run(ctx) })
	o.background(func(ctx context.Context) { _ = worker.Run(ctx) })
	o.background(func(ctx context.Context) {
		for at := int64(0); ctx.Err() == nil; {
			page, err := log.Read(ctx, at, es.Filter{Types: reactions.Types}, 100)
			if err != nil {
				continue
			}
			for _, rec := range page.Events {
				if e, err := registry.Decode(rec); err != nil || reactions.React[0](ctx, rec, e) != nil {
					return
				}
			}
			at = page.Through
			_, _ = log.Wait(ctx, at)
		}
	})
	api := readapi.New(readapi.Options{
		Bus: o.bus, Idempotency: idempotency.New(db.Pool(postgres.RoleLogin), sealer),
		Reader: projections.NewReader(db.Pool(postgres.RoleApp), positions), Opener: sealer, Authenticator: o,
		Key: bytes.Repeat([]byte("k"), 32), Logger: slog.New(slog.DiscardHandler), Unthrottled: true,
	})
	system.Tasks{Bus: o.bus, Pending: taskrows.NewPending(db.Pool(postgres.RoleApp))}.Mount(api)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	o.url = server.URL + "/api/v1/system/"
	return o
}

func (o *office) background(f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	o.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// errand asks ann's people for one.
func (o *office) errand(how string) string {
	o.Helper()
	o.asked.Store(&how)
	request, err := o.kind.Request(commands.Request{
		Tenant: es.Tenant{Account: o.ann}, Actor: es.Actor{Kind: es.UserActor, ID: o.ann, Role: es.Editor},
	}, noted{Text: "milk"})
	if err != nil {
		o.Fatal(err)
	}
	if _, err := o.bus.Do(o.Context(), request); err != nil {
		o.Fatal(err)
	}
	return request.Target.String()
}

type told struct {
	status int
	header http.Header
	raw    string
	Data   rows.Job
	Count  int
	Code   string
	Error  string
	// Results of a list.
	Results []struct{ ID, State string }
}

func (o *office) ask(who, method, path string, more ...string) told {
	o.Helper()
	r, err := http.NewRequestWithContext(o.Context(), method, o.url+path, nil)
	if err != nil {
		o.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+who)
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		o.Fatal(err)
	}
	a := told{status: answer.StatusCode, header: answer.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &a) // a stream is no JSON.
	return a
}

// until asks for the job until it is in a state.
func (o *office) until(id, state string) told {
	o.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		a := o.ask("viewer@ann", "GET", "jobs/"+id+"/")
		if a.Data.State == state {
			return a
		}
		if time.Now().After(deadline) {
			o.Fatalf("never %s: %s", state, a.raw)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAJobIsWatchedToItsEnd(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := o.errand("go")
	a := o.until(id, "succeeded")
	if string(a.Data.Result) != `{"text":"milk"}` || a.Data.Attempts != 1 || a.Data.Progress != (rows.JobProgress{Done: 2, Total: 2}) {
		t.Errorf("%s", a.raw)
	}
	token := a.header.Get("X-Consistency-Token")
	if token == "" || a.header.Get("Retry-After") != "" {
		t.Errorf("headers of a finished job: %v", a.header)
	}
	if list := o.ask("viewer@ann", "GET", "jobs/?state=succeeded", "X-Consistency-Token", token); list.Count != 1 || list.Results[0].ID != id {
		t.Errorf("%s", list.raw)
	}
	stream := o.ask("viewer@ann", "GET", "jobs/"+id+"/stream/")
	if stream.status != 200 || !strings.Contains(stream.raw, "event: succeeded") || strings.Count(stream.raw, "event:") != 1 {
		t.Errorf("%d: %s", stream.status, stream.raw)
	}
	_, last, _ := strings.Cut(stream.raw, "id: ")
	last, _, _ = strings.Cut(last, "\n")
	if again := o.ask("viewer@ann", "GET", "jobs/"+id+"/stream/", "Last-Event-ID", last); again.status != 204 {
		t.Errorf("on return: %d %s", again.status, again.raw)
	}
	if late := o.ask("editor@ann", "DELETE", "jobs/"+id+"/"); late.status != 409 || late.Code != "ended" {
		t.Errorf("%d %s", late.status, late.raw)
	}
}

func TestARunningJobTellsItsProgressAndIsCancelled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := o.errand("wait")
	a := o.until(id, "running")
	for a.Data.Progress.Done == 0 {
		a = o.until(id, "running")
	}
	if a.Data.Progress != (rows.JobProgress{Done: 1, Total: 2, Stage: "walking"}) || a.header.Get("Retry-After") == "" {
		t.Errorf("%v %s", a.header, a.raw)
	}
	if same := o.ask("viewer@ann", "GET", "jobs/"+id+"/", "If-None-Match", a.header.Get("ETag")); same.status != 200 {
		t.Errorf("a job that goes on is taken for unchanged: %d", same.status)
	}
	stream := make(chan told)
	go func() { stream <- o.ask("viewer@ann", "GET", "jobs/"+id+"/stream/") }()
	if refused := o.ask("viewer@ann", "DELETE", "jobs/"+id+"/"); refused.status != 403 {
		t.Errorf("a viewer cancels: %d %s", refused.status, refused.raw)
	}
	if done := o.ask("editor@ann", "DELETE", "jobs/"+id+"/"); done.status != 200 || done.Data.State != "cancelled" && !done.Data.Cancelling {
		t.Errorf("%d %s", done.status, done.raw)
	}
	o.until(id, "cancelled")
	if watched := <-stream; !strings.HasSuffix(watched.raw[:max(0, strings.LastIndex(watched.raw, "\ndata"))], "event: cancelled") {
		t.Errorf("%s", watched.raw)
	}
}

func TestADeadTaskIsListedAndReplayed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := o.errand("fail")
	a := o.until(id, "failed")
	if a.Data.Error == nil || a.Data.Error.Code != "internal" || strings.Contains(a.raw, "EOF") {
		t.Errorf("%s", a.raw)
	}
	dead := o.ask("viewer@ann", "GET", "tasks/?state=dead&kind=test.errand", "X-Consistency-Token", a.header.Get("X-Consistency-Token"))
	if dead.Count != 1 || dead.Results[0].ID != id {
		t.Errorf("%s", dead.raw)
	}
	if refused := o.ask("viewer@ann", "POST", "tasks/"+id+"/replay/"); refused.status != 403 {
		t.Errorf("%d %s", refused.status, refused.raw)
	}
	how := "go"
	o.asked.Store(&how)
	if again := o.ask("editor@ann", "POST", "tasks/"+id+"/replay/"); again.status != 200 {
		t.Errorf("%d %s", again.status, again.raw)
	}
	if a := o.until(id, "succeeded"); a.Data.Attempts != 2 || a.Data.Error != nil {
		t.Errorf("%s", a.raw)
	}
}

func TestAnotherAccountsJobIsAsOneThatIsNotThere(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := o.errand("go")
	o.until(id, "succeeded")
	for _, ask := range [][2]string{
		{"GET", "jobs/%/"}, {"DELETE", "jobs/%/"}, {"GET", "jobs/%/stream/"}, {"GET", "tasks/%/"}, {"POST", "tasks/%/replay/"}, {"POST", "tasks/%/cancel/"},
	} {
		foreign := o.ask("owner@bob", ask[0], strings.Replace(ask[1], "%", id, 1))
		missing := o.ask("owner@bob", ask[0], strings.Replace(ask[1], "%", commands.NewID().String(), 1))
		if foreign.status != 404 || missing.status != 404 || foreign.Error != missing.Error || foreign.Code != missing.Code {
			t.Errorf("%s %s: %d %s, missing %d %s", ask[0], ask[1], foreign.status, foreign.raw, missing.status, missing.raw)
		}
	}
}
