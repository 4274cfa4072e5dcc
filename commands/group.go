package commands

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// group is the commands that are decided one after another on one state and go
// out as one append.
type group struct {
	bus   *Bus
	base  *stream
	state *stream // after what was decided; its commands are not in base.recent

	events   []es.NewEvent
	opened   []es.Event // as events, personal fields in the clear
	claims   []es.ClaimChange
	owners   []claimOwner // as claims
	keys     map[string]bool
	pending  map[es.ID]int64 // commands of this group and their last revision
	settlers []func(states []*stream)
}

type claimOwner struct {
	call   *call
	unique es.Unique
	count  es.Count
}

func newGroup(b *Bus, base *stream) *group {
	st := base.clone()
	return &group{bus: b, base: base, state: st, keys: map[string]bool{}, pending: map[es.ID]int64{}}
}

// decide lets one call decide on the state that the ones before it left, and
// collects what follows. Refusals are kept in the call.
func (g *group) decide(ctx context.Context, c *call) {
	c.outcome, c.err = Outcome{Stream: g.base.id}, nil
	if last := max(g.pending[c.Command], g.state.recent.revision(c.Command), c.earlier); last > 0 && last <= g.state.revision {
		c.outcome.Repeat, c.outcome.Revision = true, last
		g.onSettled(c, last, nil)
		return
	}
	events, err := g.decision(c)
	if err != nil {
		c.err = err
		return
	}
	if err := g.add(ctx, c, events); err != nil {
		c.err = err
	}
}

// unsure are the calls that wrote nothing and may be repeats all the same: the
// stream does not remember commands as far back as it goes.
func (g *group) unsure(calls []*call) (unsure []*call) {
	if g.base.recent.complete() {
		return nil
	}
	for _, c := range calls {
		if !c.looked && !c.outcome.Repeat && g.pending[c.Command] == 0 {
			unsure = append(unsure, c)
		}
	}
	return unsure
}

// decision is what the call's events would be.
func (g *group) decision(c *call) ([]es.Event, error) {
	if c.IfRevision != 0 && c.IfRevision != g.state.revision {
		return nil, es.Refuse(es.Precondition, "", "If-Match names revision %d, and the %s is at revision %d.", c.IfRevision, noun(g.base.id.Kind), g.state.revision)
	}
	kind, state := g.base.kind, g.state.state
	entity, env := kind.EntityOf(state), g.env(c)
	if c.op.verb == create {
		if entity.Exists() {
			return nil, g.sameCreate(c, env)
		}
		return c.op.decide(env, state, c.Payload)
	}
	if !entity.Exists() {
		return nil, missing(c.op)
	}
	switch p := c.Payload.(type) {
	case Delete:
		deletion := p.Deletion
		if deletion == (es.ID{}) {
			deletion = es.Derive(c.Command, "deletion", 0)
		}
		if entity.Purged {
			return nil, missing(c.op)
		}
		if err := kind.KeptBy(state); err != nil {
			return nil, err
		}
		if p.Cascaded && p.RetentionDays > 0 {
			env.RetentionDays = p.RetentionDays
		}
		return entity.Delete(env, deletion, p.Reason, p.Cascaded), nil
	case Restore:
		return entity.Restore(env, p.Deletion, p.Cascaded)
	case Purge:
		return entity.Purge(env)
	}
	if !entity.Live() && (entity.Purged || !c.op.deleted) {
		return nil, missing(c.op)
	}
	return c.op.decide(env, state, c.Payload)
}

// sameCreate is nil if the call would create what is there, and a conflict
// otherwise.
func (g *group) sameCreate(c *call, env es.Env) error {
	entity := g.base.kind.EntityOf(g.state.state)
	if entity.Live() && g.state.tenant == c.Tenant {
		events, err := c.op.decide(env, g.base.kind.Zero(), c.Payload)
		if err != nil {
			return err
		}
		var sum [32]byte
		for _, e := range events {
			sum = chain(sum, e)
		}
		if sum == g.state.creation {
			return nil
		}
	}
	return es.Refuse(es.Conflict, "exists", "There is a %s with this id already, with other fields.", noun(g.base.id.Kind))
}

func missing(op Op) error {
	return es.Refuse(es.NotFound, "", "There is no such %s.", noun(op.Kind()))
}

func (g *group) env(c *call) es.Env {
	n := 0
	tenant := g.state.tenant
	if g.state.revision == 0 {
		tenant = c.Tenant
	}
	return es.Env{
		Tenant: tenant, Actor: c.Actor, Now: g.bus.config.Clock().UTC(), RetentionDays: c.policy.RetentionDays,
		NewID: func() es.ID {
			n++
			return es.Derive(c.Command, "id", n)
		},
	}
}

// add puts the events of one call behind those of the others.
func (g *group) add(ctx context.Context, c *call, events []es.Event) error {
	next := g.state.clone()
	if next.revision == 0 {
		next.tenant = c.Tenant
	}
	drafts, opened := make([]es.NewEvent, 0, len(events)), make([]es.Event, 0, len(events))
	for i, e := range events {
		draft, e, err := g.draft(ctx, c, next, i, e)
		if err != nil {
			return err
		}
		next.state = next.kind.Fold(next.state, draft.Envelope, e)
		opened = append(opened, e)
		next.revision++
		drafts = append(drafts, draft)
	}
	if err := g.claim(ctx, c, next); err != nil {
		return err
	}
	g.events = append(g.events, drafts...)
	g.opened = append(g.opened, opened...)
	g.state = next
	if len(events) > 0 {
		g.pending[c.Command] = next.revision
	}
	g.onSettled(c, next.revision, drafts)
	return nil
}

// draft is an event's envelope and sealed data, and the event in the clear that
// knows its sealed forms.
func (g *group) draft(ctx context.Context, c *call, st *stream, n int, e es.Event) (es.NewEvent, es.Event, error) {
	d := es.NewEvent{Envelope: es.Envelope{
		ID: es.EventID(c.Command, n), Stream: st.id, Revision: st.revision + 1, Type: st.kind.TypeName(e),
		RecordedAt: g.bus.config.Clock().UTC(),
		Site:       st.tenant.Site, Sector: st.tenant.Sector,
		Actor:       es.Actor{Kind: c.Actor.Kind, ID: c.Actor.ID},
		Correlation: c.Correlation, Causation: c.Causation, Command: c.Command, Request: c.Request.Request,
	}}
	sealed, err := g.bus.vault.Seal(ctx, d.Envelope, e)
	if err != nil {
		return d, e, busy(err)
	}
	if d.Data, err = es.Encode(sealed); err != nil {
		return d, e, err
	}
	d.Salt = make([]byte, 32)
	if _, err := rand.Read(d.Salt); err != nil {
		return d, e, err
	}
	d.DataHash = es.HashData(d.Salt, d.Data)
	return d, withTokens(e, sealed), nil
}

// withTokens is the event with the sealed forms of its personal texts beside
// them, so that whoever keeps a row or an answer can keep it sealed.
func withTokens(e, sealed es.Event) es.Event {
	var tokens []string
	es.WithPersonal(sealed, func(_ string, p *es.Personal) { tokens = append(tokens, p.Token()) })
	if len(tokens) == 0 {
		return e
	}
	return es.WithPersonal(e, func(_ string, p *es.Personal) {
		token, text := tokens[0], p.String()
		tokens = tokens[1:]
		if token == "" || p.IsErased() || p.Equal(es.Personal{}) {
			return
		}
		p.SetSealed(token)
		p.SetOpened(text)
	})
}

// onSettled fills in the call's answer once the states after each event are
// known; the first of them is the group's base.
func (g *group) onSettled(c *call, revision int64, drafts []es.NewEvent) {
	first := len(g.events) - len(drafts)
	g.settlers = append(g.settlers, func(at []*stream) {
		st := at[max(0, revision-g.base.revision)] // answer looks up what is older.
		c.outcome.Revision, c.outcome.Position = revision, at[len(at)-1].position
		c.outcome.State, c.outcome.Row = st.state, st.row
		if len(drafts) > 0 {
			c.outcome.Position = st.position
		}
		for i := range drafts {
			c.outcome.Events = append(c.outcome.Events, Written{Envelope: g.events[first+i].Envelope, Event: g.opened[first+i]})
		}
	})
}

// settle folds the group's events again with their final envelopes, now that
// the last one's position is known, and fills in the answers.
func (g *group) settle(last int64, at time.Time) *stream {
	st := g.base.clone()
	states := make([]*stream, 0, len(g.events)+1)
	states = append(states, g.base)
	for i := range g.events {
		rec := &g.events[i]
		rec.Position, rec.RecordedAt = last-int64(len(g.events)-1-i), at
		st = st.clone()
		g.bus.apply(st, *rec, g.opened[i])
		states = append(states, st)
	}
	for _, settle := range g.settlers {
		settle(states)
	}
	g.state = st
	return st
}

// touches says whether the call must wait for the next append: it would take,
// release or count a claim that an earlier command of this group did, and a
// store applies each claim of an append once.
func (g *group) touches(c *call) bool {
	if len(g.claims) == 0 {
		return false
	}
	events, err := g.decision(c)
	if err != nil || len(events) == 0 {
		return false
	}
	state := g.state.state
	env := es.Envelope{Stream: g.base.id, Revision: g.state.revision, Site: g.state.tenant.Site, Sector: g.state.tenant.Sector}
	for _, e := range events {
		env.Revision++
		state = g.base.kind.Fold(state, env, e)
	}
	release, take, counts := es.Diff(g.base.kind.HeldBy(g.state.state), g.base.kind.HeldBy(state))
	for _, u := range append(release, take...) {
		if g.keys[g.scope(u)+"\x00"+u.Key] {
			return true
		}
	}
	for _, n := range counts {
		if g.keys[g.counter(n)] {
			return true
		}
	}
	return false
}

// claim collects what the call's events take and release.
func (g *group) claim(ctx context.Context, c *call, next *stream) error {
	release, take, counts := es.Diff(g.base.kind.HeldBy(g.state.state), g.base.kind.HeldBy(next.state))
	var changes []es.ClaimChange
	var owners []claimOwner
	unique := func(op es.ClaimOp, u es.Unique) error {
		key := []byte(u.Key)
		if u.Personal {
			var err error
			if key, err = g.bus.vault.ClaimKey(ctx, u.Scope, u.Key); err != nil {
				return busy(err)
			}
		}
		changes = append(changes, es.ClaimChange{Op: op, Scope: g.scope(u), Key: key})
		owners = append(owners, claimOwner{call: c, unique: u})
		g.keys[g.scope(u)+"\x00"+u.Key] = true
		return nil
	}
	for _, u := range release {
		if err := unique(es.ReleaseClaim, u); err != nil {
			return err
		}
	}
	for _, u := range take {
		if err := unique(es.TakeClaim, u); err != nil {
			return err
		}
	}
	for _, n := range counts {
		limit := n.Limit
		if limit == 0 {
			var limited bool
			if limit, limited = c.policy.Limits[n.Resource]; !limited {
				limit = int64(1) << 62
			}
		}
		changes = append(changes, es.ClaimChange{Op: es.CountClaim, Scope: g.counter(n), Delta: n.N, Limit: limit})
		owners = append(owners, claimOwner{call: c, count: n})
		g.keys[g.counter(n)] = true
	}
	g.claims, g.owners = append(g.claims, changes...), append(g.owners, owners...)
	return nil
}

// scope keeps the accounts' claims apart, unless they are global.
func (g *group) scope(u es.Unique) string { return u.In(g.base.id.Account) }

func (g *group) counter(n es.Count) string {
	scope := g.base.id.Account.String() + "/" + n.Resource
	if n.Scope != (es.ID{}) {
		scope += "/" + n.Scope.String()
	}
	return scope
}

// refused is whose claim was refused, and what to tell them.
func (g *group) refused(r *es.ClaimRefusedError) (*call, error) {
	owner := g.owners[r.Index]
	switch n := owner.count; {
	case n.Resource == "":
		e := es.Refuse(es.Conflict, "taken", "Another %s has this %s already.", noun(g.base.id.Kind), fieldName(owner.unique))
		e.Fields = map[string][]string{fieldName(owner.unique): {"Already taken."}}
		return owner.call, e
	case n.Limit > 0:
		return owner.call, es.Refuse(es.Conflict, "limit_reached", "At most %d %s are possible, and %d are there.", r.Limit, n.Resource, r.Used)
	default:
		return owner.call, es.Refuse(es.Plan, "plan_limit", "The plan allows %d %s, and %d are in use.", r.Limit, n.Resource, r.Used)
	}
}

func fieldName(u es.Unique) string {
	if u.Field == "" {
		return "id"
	}
	return u.Field
}
