package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/planner"
	. "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	domainplanner "github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/domain/tenancy"
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

var registry = es.NewRegistry(slices.Concat(tenancy.Kinds(), domainplanner.Kinds())...)

// logTree is a Tree that reads the log each time, and knows no more of it than
// it was asked to.
type logTree struct{ *memory.Store }

func (l logTree) deletions(ctx context.Context, through int64) (map[es.StreamID]es.ID, map[es.StreamID]es.Tenant, error) {
	page, err := l.Read(ctx, 0, es.Filter{}, int(through))
	deletions, tenants := map[es.StreamID]es.ID{}, map[es.StreamID]es.Tenant{}
	for _, rec := range page.Events {
		e, err := registry.Decode(rec)
		if err != nil {
			return nil, nil, err
		}
		tenants[rec.Stream] = rec.Tenant()
		switch e := e.(type) {
		case es.Deleted:
			deletions[rec.Stream] = e.DeletionID
		case es.Restored:
			delete(deletions, rec.Stream)
		}
	}
	return deletions, tenants, err
}

func (l logTree) Under(ctx context.Context, b tenancy.Branch, after tenancy.Leaf, limit int) ([]tenancy.Leaf, error) {
	deletions, tenants, err := l.deletions(ctx, b.AtLeast)
	var leaves []tenancy.Leaf
	for s, t := range tenants {
		in := t.Account == b.Tenant.Account && t.Site == b.Tenant.Site && (b.Tenant.Sector == es.ID{} || t.Sector == b.Tenant.Sector)
		leaf := tenancy.Leaf{Kind: s.Kind, ID: s.ID}
		if in && deletions[s] == b.Deletion && slices.Contains(b.Kinds, s.Kind) && compare(leaf, after) > 0 {
			leaves = append(leaves, leaf)
		}
	}
	slices.SortFunc(leaves, compare)
	return leaves[:min(limit, len(leaves))], err
}

func compare(a, b tenancy.Leaf) int {
	return strings.Compare(a.ID.String()+a.Kind, b.ID.String()+b.Kind)
}

func (l logTree) Deletion(ctx context.Context, t es.Tenant, atLeast int64) (es.ID, int64, error) {
	deletions, _, err := l.deletions(ctx, atLeast)
	if d, ok := deletions[es.StreamID{Account: t.Account, Kind: tenancy.SiteKind.Name, ID: t.Site}]; ok {
		return d, atLeast, err
	}
	return deletions[es.StreamID{Account: t.Account, Kind: tenancy.SectorKind.Name, ID: t.Sector}], atLeast, err
}

// world is an account on a memory store, with the cascade on hand.
type world struct {
	t       failer
	store   *memory.Store
	bus     *commands.Bus
	cascade *Cascade
	account es.ID
	reacted int64
	waiting []es.Recorded // read and not reacted to
	handled []es.Recorded
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newWorld(t failer) *world {
	store := memory.New()
	w := &world{t: t, store: store, bus: newBus(store, 0), account: commands.NewID()}
	w.cascade = NewCascade(w.bus, registry, logTree{store}, store.Head, slog.New(slog.DiscardHandler))
	return w
}

func newBus(store commands.Store, fresh time.Duration) *commands.Bus {
	return commands.New(store, plainVault{}, registry, slices.Concat(Ops(), planner.Ops()), commands.Config{Fresh: fresh})
}

func (w *world) try(target es.ID, tenant es.Tenant, payload any) (commands.Outcome, error) {
	tenant.Account = w.account
	return w.bus.Do(context.Background(), commands.Request{
		Tenant: tenant, Actor: es.Actor{Kind: es.UserActor, Role: es.Owner}, Target: target, Payload: payload,
	})
}

func (w *world) do(target es.ID, tenant es.Tenant, payload any) es.ID {
	w.t.Helper()
	o, err := w.try(target, tenant, payload)
	if err != nil {
		w.t.Fatalf("%T: %v", payload, err)
	}
	return o.Stream.ID
}

func (w *world) site(name string) es.ID {
	return w.do(es.ID{}, es.Tenant{}, CreateSite{Name: name, Domain: "a.example", Industry: "automotive"})
}

func (w *world) sector(site es.ID, name string) es.ID {
	return w.do(es.ID{}, es.Tenant{Site: site}, CreateSector{Name: name})
}

func (w *world) keyword(site, sector es.ID, text string) es.ID {
	return w.do(es.ID{}, es.Tenant{Site: site, Sector: sector}, planner.CreateKeyword{Keyword: text})
}

func (w *world) delete(kind es.AnyKind, id es.ID) {
	w.t.Helper()
	w.do(id, es.Tenant{}, commands.Delete{Kind: kind.KindName()})
}

func (w *world) restore(kind es.AnyKind, id es.ID) {
	w.t.Helper()
	w.do(id, es.Tenant{}, commands.Restore{Kind: kind.KindName()})
}

// react lets the cascade follow the log up to its end, or until it fails.
func (w *world) react() error {
	for {
		page, err := w.store.Read(context.Background(), w.reacted, es.Filter{Types: w.cascade.Types()}, 1)
		if err != nil {
			return err
		}
		if page.Through == w.reacted {
			return nil
		}
		for _, rec := range page.Events {
			e, err := registry.Decode(rec)
			if err != nil {
				return err
			}
			if err := w.cascade.React(context.Background(), rec, e); err != nil {
				return err
			}
		}
		w.reacted = page.Through
	}
}

func (w *world) settle() {
	w.t.Helper()
	if err := w.react(); err != nil {
		w.t.Fatalf("reacting: %v", err)
	}
}

func (w *world) deletion(kind es.AnyKind, id es.ID) es.ID {
	w.t.Helper()
	deletions, _, err := logTree{w.store}.deletions(context.Background(), 1_000_000)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	return deletions[es.StreamID{Account: w.account, Kind: kind.KindName(), ID: id}]
}

var (
	sites    = tenancy.SiteKind
	sectors  = tenancy.SectorKind
	keywords = domainplanner.KeywordKind
)

func TestWhatASiteHoldsFollowsItsDeletionAndItsRestoreExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("a")
	one, two := w.sector(site, "one"), w.sector(site, "two")
	kept, gone := w.keyword(site, one, "kept"), w.keyword(site, two, "gone")
	w.delete(keywords, gone)
	alone := w.deletion(keywords, gone)
	w.delete(sites, site)
	w.settle()
	deletion := w.deletion(sites, site)
	for _, got := range []es.ID{w.deletion(sectors, one), w.deletion(sectors, two), w.deletion(keywords, kept)} {
		if got != deletion || got == (es.ID{}) {
			t.Errorf("deleted under %s, want %s", got, deletion)
		}
	}
	if w.deletion(keywords, gone) != alone {
		t.Error("what was deleted for itself was deleted again")
	}
	w.restore(sites, site)
	w.settle()
	for _, got := range []es.ID{w.deletion(sectors, one), w.deletion(sectors, two), w.deletion(keywords, kept)} {
		if got != (es.ID{}) {
			t.Errorf("still deleted under %s", got)
		}
	}
	if w.deletion(keywords, gone) != alone {
		t.Error("what was deleted for itself came back")
	}
}

func TestASectorsDeletionLeavesItsSiblingsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("a")
	one, two := w.sector(site, "one"), w.sector(site, "two")
	a, b := w.keyword(site, one, "a"), w.keyword(site, two, "b")
	w.delete(sectors, one)
	w.settle()
	if w.deletion(keywords, a) != w.deletion(sectors, one) || w.deletion(keywords, b) != (es.ID{}) {
		t.Error("the wrong keywords followed")
	}
	w.delete(sites, site)
	w.restore(sites, site)
	w.settle()
	if w.deletion(sectors, one) == (es.ID{}) || w.deletion(keywords, a) == (es.ID{}) {
		t.Error("a sector deleted for itself came back with its site")
	}
	if w.deletion(keywords, b) != (es.ID{}) || w.deletion(sectors, two) != (es.ID{}) {
		t.Error("the other sector did not come back")
	}
}

// failing is a store that takes only so many appends.
type failing struct {
	commands.Store
	left atomic.Int64
}

func (f *failing) Append(ctx context.Context, a es.Append) (es.Appended, error) {
	if f.left.Add(-1) < 0 {
		return es.Appended{}, &es.Error{Class: es.Unavailable, Message: "the process was killed here"}
	}
	return f.Store.Append(ctx, a)
}

func TestACascadeThatWasCutIsFinishedWithoutRepeatingAnything(t *testing.T) {
	t.Parallel()
	for cut := range 7 {
		w := newWorld(t)
		site := w.site("a")
		sector := w.sector(site, "s")
		var ids []es.ID
		for i := range 5 {
			ids = append(ids, w.keyword(site, sector, fmt.Sprint(i)))
		}
		w.delete(sites, site)
		cutStore := &failing{Store: w.store}
		cutStore.left.Store(int64(cut))
		cutBus := newBus(cutStore, 0)
		whole := w.cascade
		w.cascade = NewCascade(cutBus, registry, logTree{w.store}, w.store.Head, slog.New(slog.DiscardHandler))
		ctx, err := context.Background(), w.react()
		if cut < 6 && err == nil {
			t.Fatalf("the cut after %d appends was not noticed", cut)
		}
		w.cascade = whole
		w.settle()
		for _, id := range ids {
			recs, err := w.store.ReadStream(ctx, es.StreamID{Account: w.account, Kind: keywords.Name, ID: id}, 1)
			if err != nil || len(recs) != 2 || w.deletion(keywords, id) != w.deletion(sites, site) {
				t.Fatalf("cut after %d: %d events, %v", cut, len(recs), err)
			}
		}
	}
}

func TestWhatWasCreatedUnderADeletedParentFollowsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("a")
	sector := w.sector(site, "s")
	stale := &world{t: t, store: w.store, account: w.account, bus: newBus(w.store, time.Hour)}
	stale.keyword(site, sector, "first") // now it knows the parents.
	w.delete(sites, site)
	w.settle()
	late := stale.keyword(site, sector, "late")
	w.settle()
	if w.deletion(keywords, late) != w.deletion(sites, site) {
		t.Fatal("an orphan lives")
	}
	w.restore(sites, site)
	w.settle()
	if w.deletion(keywords, late) != (es.ID{}) {
		t.Fatal("it did not come back with its site")
	}
}

func TestASectorThatIsBackAlreadyIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sector := w.sector(w.site("a"), "s")
	w.delete(sectors, sector)
	w.restore(sectors, sector)
	w.settle()
	recs, err := w.store.ReadStream(t.Context(), es.StreamID{Account: w.account, Kind: sectors.Name, ID: sector}, 1)
	if err != nil || len(recs) != 3 {
		t.Fatalf("%d events, %v; want created, deleted, restored", len(recs), err)
	}
}

func TestWhatCannotComeBackStaysDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("a")
	old := w.sector(site, "s")
	a := w.keyword(site, old, "a")
	w.delete(sectors, old)
	w.settle()
	w.sector(site, "S")
	if _, err := w.try(old, es.Tenant{}, commands.Restore{Kind: sectors.Name}); es.ClassOf(err) != es.Conflict {
		t.Fatalf("restored onto a taken name: %v", err)
	}
	w.delete(sites, site)
	w.restore(sites, site)
	w.settle()
	if w.deletion(keywords, a) == (es.ID{}) {
		t.Error("a keyword lives in a deleted sector")
	}
}

func TestHoweverLateItReactsNothingLivesUnderWhatIsDeletedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		site := w.site("a")
		in := []es.ID{w.sector(site, "one"), w.sector(site, "two")}
		words := map[es.ID]es.ID{} // keyword to sector
		for i := range rapid.IntRange(1, 15).Draw(t, "steps") {
			sector := rapid.SampledFrom(in).Draw(t, "sector")
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				o, err := w.try(es.ID{}, es.Tenant{Site: site, Sector: sector}, planner.CreateKeyword{Keyword: fmt.Sprint(i)})
				if err == nil {
					words[o.Stream.ID] = sector
				}
			case 1:
				w.delete(sites, site)
			case 2:
				w.restore(sites, site)
			case 3:
				w.delete(sectors, sector)
			case 4:
				_, _ = w.try(sector, es.Tenant{}, commands.Restore{Kind: sectors.Name}) // refused while the site is deleted.
			case 5:
				w.settle()
			}
		}
		w.settle()
		for word, sector := range words {
			lives := w.deletion(keywords, word) == es.ID{}
			should := w.deletion(sites, site) == es.ID{} && w.deletion(sectors, sector) == es.ID{}
			if lives != should {
				t.Fatalf("keyword lives: %v; its site under %s, sector under %s, itself under %s", lives,
					w.deletion(sites, site), w.deletion(sectors, sector), w.deletion(keywords, word))
			}
		}
		w.restore(sites, site)
		w.settle()
		for _, sector := range in {
			_, _ = w.try(sector, es.Tenant{}, commands.Restore{Kind: sectors.Name})
		}
		w.settle()
		for word := range words {
			if d := w.deletion(keywords, word); d != (es.ID{}) {
				t.Fatalf("after everything was restored a keyword is left under %s", d)
			}
		}
	})
}

// inAnyOrder lets the cascade react to up to n events more: each aggregate's in
// their order, those of different ones in any, and some again, however late.
func (w *world) inAnyOrder(t *rapid.T, n int) {
	ctx := context.Background()
	for ; n > 0; n-- {
		page, err := w.store.Read(ctx, w.reacted, es.Filter{Types: w.cascade.Types()}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		w.waiting, w.reacted = append(w.waiting, page.Events...), page.Through
		if len(w.waiting) == 0 {
			return
		}
		at := rapid.IntRange(0, len(w.waiting)-1).Draw(t, "next")
		stream := w.waiting[at].Stream
		at = slices.IndexFunc(w.waiting, func(r es.Recorded) bool { return r.Stream == stream })
		todo := []es.Recorded{w.waiting[at]}
		w.waiting = slices.Delete(w.waiting, at, at+1)
		if len(w.handled) > 0 && rapid.IntRange(0, 4).Draw(t, "one comes again") == 0 {
			todo = append(todo, rapid.SampledFrom(w.handled).Draw(t, "again"))
		}
		w.handled = append(w.handled, todo[0])
		for _, rec := range todo {
			e, err := registry.Decode(rec)
			if err == nil {
				err = w.cascade.React(ctx, rec, e)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestInWhateverOrderItReactsNothingLivesUnderWhatIsDeletedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		site := w.site("a")
		in := []es.ID{w.sector(site, "one"), w.sector(site, "two")}
		words := map[es.ID]es.ID{} // keyword to sector
		// another process, whose idea of the parents may be old.
		stale := &world{t: t, store: w.store, account: w.account, bus: newBus(w.store, time.Hour)}
		for i := range rapid.IntRange(1, 20).Draw(t, "steps") {
			sector := rapid.SampledFrom(in).Draw(t, "sector")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				if o, err := w.try(es.ID{}, es.Tenant{Site: site, Sector: sector}, planner.CreateKeyword{Keyword: fmt.Sprint(i)}); err == nil {
					words[o.Stream.ID] = sector
				}
			case 1:
				if o, err := stale.try(es.ID{}, es.Tenant{Site: site, Sector: sector}, planner.CreateKeyword{Keyword: fmt.Sprint(i)}); err == nil {
					words[o.Stream.ID] = sector
				}
			case 2:
				w.delete(sites, site)
			case 3:
				w.restore(sites, site)
			case 4:
				w.delete(sectors, sector)
			case 5:
				_, _ = w.try(sector, es.Tenant{}, commands.Restore{Kind: sectors.Name})
			case 6:
				w.inAnyOrder(t, rapid.IntRange(1, 10).Draw(t, "events"))
			}
		}
		w.inAnyOrder(t, 10_000)
		for word, sector := range words {
			lives := w.deletion(keywords, word) == es.ID{}
			should := w.deletion(sites, site) == es.ID{} && w.deletion(sectors, sector) == es.ID{}
			if lives != should {
				t.Fatalf("keyword lives: %v; its site under %s, sector under %s, itself under %s", lives,
					w.deletion(sites, site), w.deletion(sectors, sector), w.deletion(keywords, word))
			}
		}
		w.restore(sites, site)
		w.inAnyOrder(t, 10_000)
		for _, sector := range in {
			_, _ = w.try(sector, es.Tenant{}, commands.Restore{Kind: sectors.Name})
		}
		w.inAnyOrder(t, 10_000)
		for word := range words {
			if d := w.deletion(keywords, word); d != (es.ID{}) {
				t.Fatalf("after everything was restored a keyword is left under %s", d)
			}
		}
	})
}

func TestALateCascadeKeepsTheWindowOfItsParent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bus.WithAccounts(days(90))
	site := w.site("a")
	word := w.keyword(site, w.sector(site, "s"), "k")
	w.delete(sites, site)
	w.bus.WithAccounts(days(1))
	w.settle()
	k, err := commands.Load(t.Context(), w.bus, keywords, w.account, word)
	if err != nil || k.Deletion == nil || k.Deletion.PurgeAfter.Sub(k.Deletion.At) != 90*24*time.Hour {
		t.Fatalf("%+v, %v", k.Deletion, err)
	}
}

// days is a retention window.
type days int

func (d days) Policy(context.Context, es.ID) (commands.Policy, error) {
	return commands.Policy{RetentionDays: int(d)}, nil
}

func TestSeedingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		if err := Seed(t.Context(), newBus(w.store, 0)); err != nil {
			t.Fatal(err)
		}
	}
	head, err := w.store.Head(t.Context())
	if want := int64(len(tenancy.SeedPlans()) + 1); err != nil || head != want {
		t.Fatalf("%d events, %v; want %d", head, err, want)
	}
}

func TestAnAccountsPolicyIsItsSettingsAndItsPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := Seed(t.Context(), w.bus); err != nil {
		t.Fatal(err)
	}
	accounts := Accounts{Bus: w.bus}
	w.bus.WithAccounts(accounts)
	r := commands.Request{Actor: es.System(), Target: w.account}
	if _, err := Open(t.Context(), w.bus, r, CreateAccount{Name: "Acme", Plan: "free"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.try(w.account, es.Tenant{}, ChangeAccountSettings{RetentionDays: commands.Some(3)}); err != nil {
		t.Fatal(err)
	}
	policy, err := accounts.Policy(t.Context(), w.account)
	if err != nil || policy.RetentionDays != 3 || policy.Limits["keywords"] != 500 || policy.Limits["sites"] != 1 {
		t.Fatalf("%+v, %v", policy, err)
	}
	site := w.site("a")
	if _, err := w.try(es.ID{}, es.Tenant{}, CreateSite{Name: "b", Domain: "b.example", Industry: "automotive"}); es.ClassOf(err) != es.Plan {
		t.Errorf("a second site on the free plan: %v", err)
	}
	o, err := w.try(site, es.Tenant{}, commands.Delete{Kind: sites.Name})
	if s, _ := o.State.(tenancy.Site); err != nil || s.Deletion == nil || s.Deletion.PurgeAfter.Sub(s.Deletion.At) != 72*time.Hour {
		t.Errorf("deleted as %+v, %v", o.State, err)
	}
}

func TestASecondAccountOfANameGetsASuffix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open := func(id es.ID, c CreateAccount) (commands.Outcome, error) {
		return Open(t.Context(), w.bus, commands.Request{Actor: es.System(), Target: id, Command: es.Derive(id, "open", 0)}, c)
	}
	acme := CreateAccount{Name: "Acme", Plan: "free"}
	slug := func(id es.ID) string {
		o, err := open(id, acme)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := o.State.(tenancy.Account)
		return a.Slug
	}
	one, two := commands.NewID(), commands.NewID()
	if got := slug(one); got != "acme" {
		t.Errorf("first: %q", got)
	}
	want := "acme-" + tenancy.SlugSuffix(two)
	if got := slug(two); got != want {
		t.Errorf("second: %q", got)
	}
	if got := slug(two); got != want {
		t.Errorf("second, said again: %q", got)
	}
	if _, err := open(commands.NewID(), CreateAccount{Name: "x", Slug: "acme", Plan: "free"}); es.ClassOf(err) != es.Conflict {
		t.Errorf("a slug that was asked for: %v", err)
	}
}
