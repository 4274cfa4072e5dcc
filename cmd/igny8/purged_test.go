package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/eventschema"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/projections"
)

// purgedLife is everything that can happen to an aggregate of the kind, in the
// form of its samples, and its end.
func purgedLife(t *testing.T, r *es.Registry, kind es.AnyKind, stream es.StreamID) es.Append {
	t.Helper()
	var last []string
	a := es.Append{Stream: stream}
	add := func(eventType string) {
		data, err := eventschema.Sample(r, eventType)
		if err != nil {
			t.Fatal(err)
		}
		salt := make([]byte, 32)
		a.Events = append(a.Events, es.NewEvent{
			Envelope: es.Envelope{
				ID: commands.NewID(), Stream: stream, Revision: int64(len(a.Events)) + 1, Type: eventType, Actor: es.System(),
				Site: commands.NewID(), Sector: commands.NewID(), Command: commands.NewID(), DataHash: es.HashData(salt, data),
			},
			Data: data, Salt: salt,
		})
	}
	types := r.Types()
	for _, first := range []bool{true, false} { // what begins it comes first.
		for _, eventType := range types {
			if !strings.HasPrefix(eventType, kind.KindName()+".") {
				continue
			}
			begins := strings.HasSuffix(eventType, ".created.v1") || strings.HasSuffix(eventType, ".registered.v1")
			switch e, _ := r.Example(eventType); e.(type) {
			case es.Deleted, es.Restored, es.Purged:
				continue
			}
			if begins == first {
				add(eventType)
			}
		}
	}
	last = append(last, kind.TypeName(es.Deleted{}), kind.TypeName(es.Restored{}), kind.TypeName(es.Deleted{}), kind.TypeName(es.Purged{}))
	for _, eventType := range last {
		add(eventType)
	}
	for i := range a.Events { // one place all along.
		a.Events[i].Site, a.Events[i].Sector = a.Events[0].Site, a.Events[0].Sector
	}
	return a
}

func TestWhatIsPurgedOfEveryKindReadsAsIfItsDataHadNeverBeen(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).Postgres
	registry, ctx := registry(), t.Context()
	store, log := eventstore.NewStore(db.Pool(postgres.RoleAppender)), eventstore.NewLog(db.Pool(postgres.RoleProjector))
	t.Cleanup(func() { store.Close(); log.Close() })
	admin := &projections.Admin{
		Owner: db.Pool(postgres.RoleOwner), Projector: db.Pool(postgres.RoleProjector), Log: log, Registry: registry, Projections: readModels(),
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(admin.Ensure(ctx, nil))
	runner := projections.NewRunner(projections.Config{
		Pool: db.Pool(postgres.RoleProjector), Log: log, Registry: registry, Projections: admin.Projections,
	})
	runCtx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = runner.Run(runCtx) }()
	t.Cleanup(func() { stop(); <-ended })

	var lives []es.Append
	for _, kind := range kinds(registry) {
		if !kind.EventSet().Lifecycle() {
			continue
		}
		a := purgedLife(t, registry, kind, es.StreamID{Account: commands.NewID(), Kind: kind.KindName(), ID: commands.NewID()})
		_, err := store.Append(ctx, a)
		must(err)
		lives = append(lives, a)
	}
	head, err := log.Head(ctx)
	must(err)
	var all []projections.Key
	for _, p := range admin.Projections {
		all = append(all, p.Key())
	}
	must(projections.NewReader(db.Pool(postgres.RoleApp), nil).WaitFor(ctx, all, head))
	for _, s := range runner.Stats(ctx) {
		if s.Parked > 0 {
			t.Errorf("%s cannot take a purged aggregate", s.Key)
		}
	}
	for _, a := range lives {
		must(store.Purge(ctx, a.Stream, int64(len(a.Events))-1))
	}
	differences, err := admin.Compare(ctx, nil, nil)
	must(err)
	for _, d := range differences {
		t.Errorf("%s has a row that a rebuild has not, or the other way round (%s): %s", d.Table, d.Side, d.Row)
	}
	for _, a := range lives {
		kind, _ := registry.Kind(a.Stream.Kind)
		foldsTheSame(t, store, registry, kind, a)
	}
	for _, p := range admin.Projections {
		var n int
		must(db.Pool(postgres.RoleProjector).QueryRow(ctx, `SELECT count(*) FROM `+p.Key().Table()).Scan(&n))
		if n > 0 {
			t.Errorf("%s has %d rows of what was purged", p.Key(), n)
		}
	}
}

// foldsTheSame fails unless the state is the same whether or not the data was
// there when it was folded.
func foldsTheSame(t *testing.T, store *eventstore.Store, r *es.Registry, kind es.AnyKind, a es.Append) {
	t.Helper()
	recs, err := store.ReadStream(t.Context(), a.Stream, 1)
	if err != nil || len(recs) != len(a.Events) {
		t.Fatalf("%d events of %s, %v", len(recs), a.Stream, err)
	}
	before, after := kind.Zero(), kind.Zero()
	for i, rec := range recs {
		if blank := i < len(recs)-1; rec.Purged != blank {
			t.Errorf("%s is blank: %v", rec.Type, rec.Purged)
		}
		whole := rec
		whole.Data, whole.Purged = a.Events[i].Data, false
		for state, rec := range map[*any]es.Recorded{&before: whole, &after: rec} {
			e, err := r.Decode(rec)
			if err != nil {
				t.Fatal(err)
			}
			*state = kind.Fold(*state, rec.Envelope, e)
		}
	}
	one, errOne := json.Marshal(before)
	other, errOther := json.Marshal(after)
	if errOne != nil || errOther != nil || string(one) != string(other) {
		t.Errorf("%s folds as\n%s (%v) with its data and\n%s (%v) without", kind.KindName(), one, errOne, other, errOther)
	}
}
