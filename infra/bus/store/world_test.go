package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/bustest"
	"github.com/igny8/igny8/infra/bus/deadletter"
	"github.com/igny8/igny8/infra/bus/store"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

// world is a database with an event store, to which members come.
type world struct {
	db      *pgtest.DB
	store   *eventstore.Store
	account es.ID

	mu        sync.Mutex
	revisions map[es.ID]int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db := pgtest.New(t)
	s := eventstore.NewStore(db.Postgres.Pool(postgres.RoleAppender))
	t.Cleanup(s.Close)
	return &world{db: db, store: s, account: uuid.New(), revisions: map[es.ID]int64{}}
}

// Revision is the last of a key.
func (w *world) Revision(key es.ID) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.revisions[key]
}

func (w *world) append(key es.ID, n int) es.Append {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := es.Append{Stream: es.StreamID{Account: w.account, Kind: "test.note", ID: key}, Expected: w.revisions[key]}
	for range n {
		w.revisions[key]++
		salt, data := make([]byte, 32), fmt.Appendf(nil, `{"n":%d}`, w.revisions[key])
		a.Events = append(a.Events, es.Recorded{
			Envelope: es.Envelope{
				ID: uuid.Must(uuid.NewV7()), Stream: a.Stream, Revision: w.revisions[key], Type: bustest.EventType,
				Actor: es.System(), DataHash: es.HashData(salt, data),
			},
			Data: data, Salt: salt,
		})
	}
	return a
}

// Publish appends an event for each key, in order.
func (w *world) Publish(t testing.TB, keys ...es.ID) {
	t.Helper()
	for len(keys) > 0 { // a stretch without a key twice is one batch.
		n, seen := 0, map[es.ID]bool{}
		for n < len(keys) && !seen[keys[n]] {
			seen[keys[n]] = true
			n++
		}
		appends := make([]es.Append, 0, n)
		for _, k := range keys[:n] {
			appends = append(appends, w.append(k, 1))
		}
		for _, r := range w.store.AppendMany(t.Context(), appends) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		keys = keys[n:]
	}
}

// Join opens a member's own connections, as another process would.
func (w *world) Join(t testing.TB, group string) bustest.Member {
	t.Helper()
	m, err := join(w.db.AdminURL, group)
	if err != nil {
		t.Fatal(err)
	}
	m.url = w.db.AdminURL
	t.Cleanup(m.Leave)
	return m
}

// Rewind has the group handle everything after a position again.
func (w *world) Rewind(t testing.TB, group string, position int64) {
	t.Helper()
	if err := store.New(store.Config{Pool: w.db.Postgres.Pool(postgres.RoleProjector)}).Rewind(t.Context(), group, position); err != nil {
		t.Fatal(err)
	}
}

// member is one with a database and a log of its own.
type member struct {
	message.Subscriber
	Bus  *store.Bus
	name string
	url  string
	db   *postgres.DB
	log  *eventstore.Log
	once sync.Once
}

func logger() *slog.Logger {
	if os.Getenv("BUS_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

func join(url, group string) (*member, error) { return joinWith(url, group, logger()) }

func joinWith(url, group string, log *slog.Logger) (*member, error) {
	ctx := context.Background()
	m := &member{name: "bus " + uuid.NewString()}
	var err error
	if m.db, err = postgres.Open(ctx, postgres.Options{URL: url, MasterKey: pgtest.MasterKey(), Name: m.name}); err != nil {
		return nil, err
	}
	pool := m.db.Pool(postgres.RoleProjector)
	bell := store.NewBell()
	m.log = eventstore.NewLog(pool, eventstore.WithListener(store.Channel, bell.Ring))
	m.Bus = store.New(store.Config{Pool: pool, Log: m.log, Bell: bell, Letters: deadletter.New(pool), Logger: log})
	m.Subscriber, err = m.Bus.Subscriber(ctx, group, []string{bustest.Topic}, []string{"test.*"})
	return m, err
}

// Leave ends it in peace.
func (m *member) Leave() {
	m.once.Do(func() {
		_ = m.Bus.Close()
		m.log.Close()
		m.db.Close()
	})
}

// Die cuts all connections for good, so that nothing it does reaches anybody.
func (m *member) Die() {
	m.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, m.url)
		if err != nil {
			panic(err)
		}
		defer func() { _ = conn.Close(ctx) }()
		go func() { m.log.Close(); m.db.Close() }() // no new connections.
		for range 3 {
			if _, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%' || $1`, m.name); err != nil {
				panic(err)
			}
		}
		go func() { _ = m.Bus.Close() }()
	})
}
