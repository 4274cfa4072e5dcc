package planner_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	domaintasks "github.com/igny8/igny8/domain/tasks"
	domaintenancy "github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/eventstore/memory"
)

// plainVault is for kinds without personal fields.
type plainVault struct{}

func (plainVault) Seal(_ context.Context, _ es.Envelope, e es.Event) (es.Event, error) { return e, nil }

func (plainVault) Open(_ context.Context, _ es.ID, events []es.Event) ([]es.Event, error) {
	return events, nil
}

func (plainVault) ClaimKey(context.Context, string, string) ([]byte, error) {
	return nil, errors.New("no personal claims here")
}

// world is a sector on a memory store. Everything in it reads the log itself.
type world struct {
	t        testing.TB
	store    *memory.Store
	registry *es.Registry
	bus      *commands.Bus
	sector   es.Tenant
	limit    int64 // of keywords; 0 is none
	reacted  int64
	failing  int64 // the append that fails, and all after it; 0 is none
}

// failingStore is the memory store, but for a world's failing appends.
type failingStore struct {
	*memory.Store
	w *world
}

var estNow = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func (w *world) Policy(context.Context, es.ID) (commands.Policy, error) {
	p := commands.Policy{RetentionDays: 14, Limits: map[string]int64{}}
	if w.limit > 0 {
		p.Limits["keywords"] = w.limit
	}
	return p, nil
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, store: memory.New(), registry: es.NewRegistry(slices.Concat(domaintenancy.Kinds(), planner.Kinds(), []es.AnyKind{domaintasks.Kind})...)}
	w.bus = commands.New(failingStore{w.store, w}, plainVault{}, w.registry, slices.Concat(tenancy.Ops(), Ops(), tasks.Ops(Tasks()...)), commands.Config{Fresh: time.Nanosecond}).WithAccounts(w)
	w.sector.Account = commands.NewID()
	w.sector.Site = w.do(es.ID{}, tenancy.CreateSite{Name: "Notes", Domain: "notes.example.com", Industry: "technology-software"})
	w.sector.Sector = w.do(es.ID{}, tenancy.CreateSector{SiteID: w.sector.Site, Name: "Pens"})
	return w
}

func (w *world) request(target es.ID, payload any) commands.Request {
	return commands.Request{Tenant: w.sector, Actor: es.Actor{Kind: es.UserActor, Role: es.Owner}, Target: target, Payload: payload}
}

func (w *world) try(target es.ID, payload any) error {
	_, err := w.bus.Do(w.t.Context(), w.request(target, payload))
	return err
}

func (w *world) do(target es.ID, payload any) es.ID {
	w.t.Helper()
	o, err := w.bus.Do(w.t.Context(), w.request(target, payload))
	if err != nil {
		w.t.Fatalf("%T: %v", payload, err)
	}
	return o.Stream.ID
}

func (w *world) keyword(text string) es.ID {
	w.t.Helper()
	return w.do(es.ID{}, CreateKeyword{Keyword: text})
}

func (w *world) cluster(name string) es.ID {
	w.t.Helper()
	return w.do(es.ID{}, CreateCluster{Name: name})
}

func (w *world) mapped(keyword, cluster es.ID) {
	w.t.Helper()
	w.do(keyword, ChangeKeyword{ClusterID: commands.Some(cluster)})
}

func stateOf[S any](w *world, kind es.Kind[S], id es.ID) S {
	w.t.Helper()
	s, err := commands.Load(w.t.Context(), w.bus, kind, w.sector.Account, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// events are everything that happened after a position.
func (w *world) events(after int64) []es.Recorded {
	w.t.Helper()
	page, err := w.store.Read(w.t.Context(), after, es.Filter{}, 1_000_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Events
}

// react lets the module react to what happened since it last did, to each event
// twice, and to what follows from that.
func (w *world) react() {
	w.t.Helper()
	m := Membership{Bus: w.bus, Sectors: w}.Reactions()
	for events := w.events(w.reacted); len(events) > 0; events = w.events(w.reacted) {
		for _, rec := range events {
			w.reacted = rec.Position
			if !wanted(m.Types, rec.Type) {
				continue
			}
			e, err := w.registry.Decode(rec)
			for range 2 {
				if err == nil {
					err = m.React[0](w.t.Context(), rec, e)
				}
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func wanted(types []string, name string) bool {
	return slices.ContainsFunc(types, func(t string) bool {
		prefix, open := strings.CutSuffix(t, "*")
		return t == name || open && strings.HasPrefix(name, prefix)
	})
}

// all folds every keyword.
func (w *world) all() map[es.ID]planner.Keyword {
	states := map[es.ID]any{}
	for _, rec := range w.events(0) {
		if rec.Stream.Kind != planner.KeywordKind.Name {
			continue
		}
		e, err := w.registry.Decode(rec)
		if err != nil {
			w.t.Fatal(err)
		}
		if states[rec.Stream.ID] == nil {
			states[rec.Stream.ID] = planner.KeywordKind.Zero()
		}
		states[rec.Stream.ID] = planner.KeywordKind.Fold(states[rec.Stream.ID], rec.Envelope, e)
	}
	all := map[es.ID]planner.Keyword{}
	for id, state := range states {
		all[id], _ = state.(planner.Keyword)
	}
	return all
}

func (w *world) Keywords(_ context.Context, t es.Tenant, _ int64) ([]planner.SectorKeyword, error) {
	var all []planner.SectorKeyword
	for id, k := range w.all() { //nolint:contextcheck // it reads within the test.
		if !k.Live() || k.Tenant != t {
			continue
		}
		sk := planner.SectorKeyword{ID: id, Cluster: k.Cluster, Text: k.Text, HasIntent: len(k.Intents) > 0, Disabled: k.Disabled}
		if k.Volume != nil {
			sk.Volume = *k.Volume
		}
		all = append(all, sk)
	}
	slices.SortFunc(all, func(a, b planner.SectorKeyword) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	return all, nil
}

func (w *world) Members(_ context.Context, _, cluster es.ID, _ int64) (ids []es.ID, _ error) {
	for id, k := range w.all() { //nolint:contextcheck // it reads within the test.
		if k.Live() && k.Cluster == cluster {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (w *world) Holders(_ context.Context, scope string, keys []string) (map[string]es.StreamID, error) {
	held := map[string]es.StreamID{}
	for id, k := range w.all() { //nolint:contextcheck // it reads within the test.
		claim := planner.KeywordClaim(k.Tenant, k.KeywordDetails)
		if k.Live() && claim.In(k.Tenant.Account) == scope && slices.Contains(keys, claim.Key) {
			held[claim.Key] = es.StreamID{Account: k.Tenant.Account, Kind: planner.KeywordKind.Name, ID: id}
		}
	}
	return held, nil
}

// lines are a file: a keyword a line, its volume after a comma; "!" makes a row
// that is none.
type lines struct {
	mu      sync.Mutex
	files   map[es.ID]string
	stopAt  int64 // a row that cannot be read, once
	deleted []es.ID
}

func (l *lines) Open(_ string, r io.Reader) (KeywordFile, error) {
	data, err := io.ReadAll(r)
	return &lineFile{lines: l, rows: strings.Split(string(data), "\n")}, err
}

type lineFile struct {
	*lines
	rows []string
	at   int64
}

var errCut = &es.Error{Class: es.Unavailable, Message: "cut"}

func (f *lineFile) Next() (KeywordRow, error) {
	if f.at >= int64(len(f.rows)) {
		return KeywordRow{}, io.EOF
	}
	f.at++
	if f.at == f.stopAt {
		f.stopAt = 0
		return KeywordRow{}, errCut
	}
	text, volume, has := strings.Cut(f.rows[f.at-1], ",")
	row := KeywordRow{Row: f.at, Details: planner.KeywordDetails{Text: text}}
	if has {
		v := int64(len(volume))
		row.Details.Volume = &v
	}
	if text == "!" {
		row.Problem, row.Column = "No.", "keyword"
	}
	return row, nil
}

func (f *lineFile) Read() int64  { return f.at }
func (f *lineFile) Close() error { return nil }

// uploads is lines as Uploads.
type uploads struct{ *lines }

func (u uploads) Open(_ context.Context, _, id es.ID) (io.ReadCloser, string, int64, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	data := u.files[id]
	return io.NopCloser(strings.NewReader(data)), "file.csv", int64(len(data)), nil
}

func (u uploads) Delete(_ context.Context, _, id es.ID) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.deleted = append(u.deleted, id)
	return nil
}

// byWord groups phrases by their first word.
type byWord struct{}

func (byWord) Cluster(_ context.Context, phrases []Phrase, progress func(done, total int64)) (Clusters, error) {
	at := map[string]int{}
	var c Clusters
	for i, p := range phrases {
		word, _, _ := strings.Cut(p.Text, " ")
		n, known := at[word]
		if !known {
			n = len(c.Groups)
			at[word] = n
			c.Groups = append(c.Groups, Group{Name: word, Primary: i})
		}
		c.Groups[n].Members = append(c.Groups[n].Members, i)
	}
	progress(int64(len(phrases)), int64(len(phrases)))
	return c, nil
}

func (byWord) Tokens(phrases []Phrase) int64 { return int64(len(phrases)) * 10 }

func (byWord) Intents(string) ([]planner.Intent, int64) {
	return []planner.Intent{planner.Informational}, 30
}

// purse pays one credit a ten units, and keeps what became of reservations.
type purse struct {
	mu       sync.Mutex
	balance  int64
	reserved map[es.ID]int64
	resolved map[es.ID]string
	charged  int64
}

func newPurse(balance int64) *purse {
	return &purse{balance: balance, reserved: map[es.ID]int64{}, resolved: map[es.ID]string{}}
}

func (p *purse) Price(_ context.Context, _ es.ID, _ string, units int64) (int64, error) {
	return (units + 9) / 10, nil
}

func (p *purse) Reserve(_ context.Context, c Charge, credits int64, _ time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, again := p.reserved[c.Reservation]; again {
		return nil
	}
	if credits > p.balance {
		return es.Refuse(es.Plan, "insufficient_credits", "Too few.")
	}
	p.balance -= credits
	p.reserved[c.Reservation] = credits
	return nil
}

func (p *purse) Commit(_ context.Context, c Charge, credits, _ int64) error {
	return p.resolve(c, "committed", credits)
}

func (p *purse) Release(_ context.Context, c Charge) error { return p.resolve(c, "released", 0) }

func (p *purse) resolve(c Charge, how string, credits int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch before, done := p.resolved[c.Reservation]; {
	case done && before == how:
		return nil
	case done:
		return es.Refuse(es.Conflict, "", "It was %s.", before)
	}
	p.resolved[c.Reservation] = how
	p.charged += credits
	p.balance += p.reserved[c.Reservation] - credits
	return nil
}
