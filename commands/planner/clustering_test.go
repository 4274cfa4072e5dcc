package planner_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	domain "github.com/igny8/igny8/domain/tasks"
)

func (w *world) clustering(p *purse) Clustering {
	return Clustering{Bus: w.bus, Sectors: w, Clusterer: byWord{}, Intents: byWord{}, Credits: p, Head: w.store.Head}
}

// asked is a clustering as Start asks for it, on a bus that knows no tasks.
func asked(reserved int64) (KeywordClustering, *tasks.Trial) {
	in := KeywordClustering{Reservation: commands.NewID(), Reserved: reserved}
	return in, &tasks.Trial{Run: tasks.Run{Task: commands.NewID(), Request: "req-1"}}
}

// clustered reserves, clusters and gives the report.
func (w *world) clustered(p *purse, ids ...es.ID) *ClusteringReport {
	w.t.Helper()
	in, trial := asked(1000)
	in.Keywords, trial.Run.Tenant = ids, w.sector
	if err := p.Reserve(w.t.Context(), Charge{Reservation: in.Reservation}, in.Reserved, estNow); err != nil {
		w.t.Fatal(err)
	}
	result, err := trial.Do(w.t.Context(), w.clustering(p).Task(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	r, _ := result.(*ClusteringReport)
	return r
}

// clusters are the texts of each live cluster's members, by its name.
func (w *world) clusters() map[string][]string {
	all := map[string][]string{}
	keywords, _ := w.Keywords(w.t.Context(), w.sector, 0)
	for _, k := range keywords {
		if k.Cluster != (es.ID{}) {
			name := stateOf(w, planner.ClusterKind, k.Cluster).Name
			all[name] = append(all[name], k.Text)
		}
	}
	for _, members := range all {
		slices.Sort(members)
	}
	return all
}

func TestKeywordsComeIntoClustersAndArePaidFor(t *testing.T) {
	t.Parallel()
	w, p := newWorld(t), newPurse(5000)
	for _, text := range []string{"pen red", "pen blue", "ink", "ink black"} {
		w.keyword(text)
	}
	w.do(w.keyword("pen old"), ChangeKeyword{Disabled: commands.Some(true)})
	got := w.clustered(p)
	if want := (&ClusteringReport{Clusters: 2, Mapped: 4, Tokens: 40, Credits: 4}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if want := map[string][]string{"pen": {"pen blue", "pen red"}, "ink": {"ink", "ink black"}}; !reflect.DeepEqual(w.clusters(), want) {
		t.Errorf("%v", w.clusters())
	}
	if p.charged != 4 || p.balance != 4996 {
		t.Errorf("charged %d, left %d", p.charged, p.balance)
	}
	for _, k := range w.all() {
		if k.Cluster == (es.ID{}) {
			continue
		}
		c := stateOf(w, planner.ClusterKind, k.Cluster)
		if primary := stateOf(w, planner.KeywordKind, c.Primary); primary.Cluster != c.ID {
			t.Errorf("the primary keyword of %s is no member", c.Name)
		}
		if k.IntentSource != planner.IntentByRules {
			t.Errorf("%s has no intent", k.Text)
		}
	}
}

func TestNewKeywordsJoinTheClusterOfTheirKin(t *testing.T) {
	t.Parallel()
	w, p := newWorld(t), newPurse(5000)
	mine := w.cluster("My own")
	w.mapped(w.keyword("pen red"), mine)
	w.keyword("pen blue")
	w.keyword("ink")
	if got := w.clustered(p); got.Clusters != 1 || got.Joined != 1 || got.Mapped != 2 || got.Tokens != 20 {
		t.Errorf("%+v", got)
	}
	if want := map[string][]string{"My own": {"pen blue", "pen red"}, "ink": {"ink"}}; !reflect.DeepEqual(w.clusters(), want) {
		t.Errorf("%v", w.clusters())
	}
	if got := w.clustered(p); got.Mapped != 0 || got.Credits != 0 || p.charged != 2 {
		t.Errorf("nothing to do costs: %+v, charged %d", got, p.charged)
	}
}

func TestANameThatIsTakenGetsANumber(t *testing.T) {
	t.Parallel()
	w, p := newWorld(t), newPurse(5000)
	w.cluster("Pen")
	w.cluster("pen 2")
	w.keyword("pen red")
	w.clustered(p)
	if _, ok := w.clusters()["pen 3"]; !ok {
		t.Errorf("%v", w.clusters())
	}
}

func TestOnlyTheKeywordsThatWereNamedAreClustered(t *testing.T) {
	t.Parallel()
	w, p := newWorld(t), newPurse(5000)
	red := w.keyword("pen red")
	w.keyword("pen blue")
	if got := w.clustered(p, red, commands.NewID()); got.Mapped != 1 || got.Skipped != 1 || got.Tokens != 10 {
		t.Errorf("%+v", got)
	}
}

// TestAClusteringThatWasCutEndsAsIfItWasNot lets the store fail at a random
// append, and plays the task again until it ends.
func TestAClusteringThatWasCutEndsAsIfItWasNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, p := newWorld(t), newPurse(5000)
		texts := rapid.SliceOfNDistinct(rapid.StringMatching(`[abc] [a-z]{1,4}`), 1, 20, rapid.ID).Draw(rt, "texts")
		for _, text := range texts {
			w.keyword(text)
		}
		in, trial := asked(1000)
		trial.Run.Tenant = w.sector
		_ = p.Reserve(t.Context(), Charge{Reservation: in.Reservation}, in.Reserved, estNow)
		kind := w.clustering(p).Task()
		for range rapid.IntRange(0, 3).Draw(rt, "cuts") {
			w.failing = rapid.Int64Range(1, 30).Draw(rt, "after")
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			_, _ = trial.Do(ctx, kind, in) // it may have come to its end all the same.
			cancel()
			w.failing = 0
			if rapid.Bool().Draw(rt, "more") {
				w.keyword(rapid.StringMatching(`d [a-z]{5,9}`).Draw(rt, "text"))
			}
		}
		result, err := trial.Do(t.Context(), kind, in)
		if err != nil {
			rt.Fatal(err)
		}
		r, _ := result.(*ClusteringReport)
		mapped := 0
		for _, members := range w.clusters() {
			mapped += len(members)
		}
		if r.Mapped != int64(mapped) || r.Mapped < int64(len(texts)) || int(r.Clusters) != len(w.clusters()) {
			rt.Fatalf("%+v, and %d keywords are in %v", r, mapped, w.clusters())
		}
		if p.charged != r.Credits || p.balance != 5000-r.Credits {
			rt.Fatalf("charged %d, left %d: %+v", p.charged, p.balance, r)
		}
	})
}

func TestAClusteringThatEndsOtherwiseCostsNothing(t *testing.T) {
	t.Parallel()
	for _, state := range []domain.State{domain.Failed, domain.Cancelled, domain.TimedOut} {
		w, p := newWorld(t), newPurse(100)
		in, trial := asked(60)
		_ = p.Reserve(t.Context(), Charge{Reservation: in.Reservation}, in.Reserved, estNow)
		if err := trial.End(t.Context(), w.clustering(p).Task(), in, state); err != nil || p.balance != 100 {
			t.Errorf("%s: %d are left: %v", state, p.balance, err)
		}
	}
}

var errStore = errors.New("the store is away")

func (w *world) broken() error {
	if w.failing == 0 {
		return nil
	}
	if w.failing--; w.failing == 0 {
		w.failing = 1
		return errStore
	}
	return nil
}

// Append fails when the world's store is to.
func (s failingStore) Append(ctx context.Context, a es.Append) (es.Appended, error) {
	if err := s.w.broken(); err != nil {
		return es.Appended{}, err
	}
	return s.Store.Append(ctx, a)
}

// AppendMany fails from some append on when the world's store is to.
func (s failingStore) AppendMany(ctx context.Context, appends []es.Append) []es.AppendResult {
	results := make([]es.AppendResult, 0, len(appends))
	for _, a := range appends {
		done, err := s.Append(ctx, a)
		results = append(results, es.AppendResult{Appended: done, Err: err})
	}
	return results
}

func TestAClusteringIsPaidForBeforeItIsQueued(t *testing.T) {
	t.Parallel()
	w, p := newWorld(t), newPurse(3)
	start := func(command es.ID) error {
		r := w.request(es.ID{}, nil)
		r.Command = command
		queue, err := w.clustering(p).Start(t.Context(), r, nil)
		if err == nil {
			_, err = w.bus.Do(t.Context(), queue)
		}
		return err
	}
	if err := start(commands.NewID()); wordOf(err) != "nothing_to_cluster" {
		t.Errorf("without keywords: %v", err)
	}
	for _, text := range []string{"a", "b", "c", "d"} {
		w.keyword(text)
	}
	if err := start(commands.NewID()); wordOf(err) != "insufficient_credits" {
		t.Errorf("without credits: %v", err)
	}
	p.balance = 10
	command := commands.NewID()
	for range 2 {
		if err := start(command); err != nil {
			t.Fatal(err)
		}
	}
	if p.balance != 6 || w.tasks() != 1 {
		t.Errorf("%d credits are left, %d tasks are there", p.balance, w.tasks())
	}
	w.sector.Sector = commands.NewID()
	if err := start(commands.NewID()); es.ClassOf(err) != es.Invalid || p.balance != 6 {
		t.Errorf("in no sector: %v, %d credits are left", err, p.balance)
	}
}

func wordOf(err error) string {
	var refused *es.Error
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Word()
}

// tasks is how many were queued.
func (w *world) tasks() (n int) {
	for _, rec := range w.events(0) {
		if rec.Stream.Kind == domain.Kind.Name {
			n++
		}
	}
	return n
}
