// Package commands turns what is asked into events. A Bus checks who may, loads
// the aggregate, lets it decide, and appends what follows; commands on one
// stream queue up and go out together. It declares the ports it needs (Store,
// Vault, Idempotency, Accounts) and imports no technology.
package commands

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
)

// Bus carries commands out. It is safe for concurrent use.
type Bus struct {
	store    Store
	vault    Vault
	registry *es.Registry
	accounts Accounts
	shapes   map[string]Shape
	config   Config

	payloads  map[reflect.Type]Op
	named     map[string]Op          // those whose payload says their name
	lifecycle map[string]map[verb]Op // by kind
	places    map[string]Place       // by kind
	site      es.AnyKind
	sector    es.AnyKind

	states    *states
	snapshots *snapshots // nil: none are kept

	mu     sync.Mutex
	queues map[es.StreamID]*queue
}

// New makes a Bus for the declared operations. It panics when two operations
// share a name or a payload: that is a mistake in the program.
func New(store Store, vault Vault, registry *es.Registry, ops []Op, config Config) *Bus {
	config = config.withDefaults()
	b := &Bus{
		store: store, vault: vault, registry: registry, config: config,
		shapes:    map[string]Shape{},
		payloads:  map[reflect.Type]Op{},
		named:     map[string]Op{},
		lifecycle: map[string]map[verb]Op{},
		places:    map[string]Place{},
		states:    newStates(config.CachedStreams),
		queues:    map[es.StreamID]*queue{},
	}
	names := map[string]bool{}
	for _, op := range ops {
		if names[op.Name] {
			panic("commands: declared twice: " + op.Name)
		}
		names[op.Name] = true
		b.declare(op)
	}
	return b
}

func (b *Bus) declare(op Op) {
	if op.named {
		b.named[op.Name] = op
		return
	}
	switch op.verb {
	case create, change:
		if _, twice := b.payloads[op.payload]; twice {
			panic("commands: one payload for two operations: " + op.Name)
		}
		b.payloads[op.payload] = op
	case remove, restore, purge:
		if b.lifecycle[op.Kind()] == nil {
			b.lifecycle[op.Kind()] = map[verb]Op{}
		}
		b.lifecycle[op.Kind()][op.verb] = op
	}
	if op.verb != create {
		return
	}
	b.places[op.Kind()] = op.place
	switch op.place {
	case IsSite:
		b.site = op.kind
	case IsSector:
		b.sector = op.kind
	case InAccount, InSite, InSector:
	}
}

// WithAccounts sets where retention windows and plan limits come from. Without
// it the window is 14 days and nothing is limited by a plan.
func (b *Bus) WithAccounts(a Accounts) *Bus {
	b.accounts = a
	return b
}

// WithShape sets the row that writes to a kind answer. It panics for a kind
// with snapshots: they hold no row.
func (b *Bus) WithShape(kind string, s Shape) *Bus {
	if k, ok := b.registry.Kind(kind); ok && k.SnapshotVersion() != 0 {
		panic("commands: " + kind + " has snapshots, which hold no row")
	}
	b.shapes[kind] = s
	return b
}

func (c Config) withDefaults() Config {
	if c.Group <= 0 {
		c.Group = 256
	}
	if c.Chunk <= 0 {
		c.Chunk = 500
	}
	if c.Remember <= 0 {
		c.Remember = 1024
	}
	if c.SnapshotEvery <= 0 {
		c.SnapshotEvery = 500
	}
	if c.CachedStreams <= 0 {
		c.CachedStreams = 20_000
	}
	if c.Fresh <= 0 {
		c.Fresh = time.Second
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	return c
}

// NewID makes a new UUIDv7.
func NewID() es.ID { return uuid.Must(uuid.NewV7()) }

// Operations lists what can be asked, by name: the permission table.
func (b *Bus) Operations() []Op {
	var ops []Op
	for _, op := range b.payloads {
		ops = append(ops, op)
	}
	for _, op := range b.named {
		ops = append(ops, op)
	}
	for _, byVerb := range b.lifecycle {
		for _, op := range byVerb {
			ops = append(ops, op)
		}
	}
	slices.SortFunc(ops, func(a, b Op) int { return strings.Compare(a.Name, b.Name) })
	return ops
}

// Do carries a command out and returns once its events are durable. A command
// id that had its effect already answers as it did then. Lost races are decided
// anew until ctx ends; then, or when the store cannot be reached, the error is
// es.Unavailable and the command may or may not have happened: the same command
// id again finds out.
func (b *Bus) Do(ctx context.Context, r Request) (Outcome, error) {
	c, err := b.call(ctx, r)
	if err != nil {
		return Outcome{}, err
	}
	if err := b.prepare(ctx, c); err != nil {
		return Outcome{}, err
	}
	b.config.Step("prepared")
	if c.DryRun {
		return b.dryRun(c)
	}
	b.enqueue(c) //nolint:contextcheck // the queue outlives the caller, and keeps the caller's context in the call.
	select {
	case <-c.done:
		return c.outcome, c.err
	case <-ctx.Done():
		if c.abandon() {
			return Outcome{}, busy(ctx.Err())
		}
		<-c.done
		return c.outcome, c.err
	}
}

// call is a permitted request with its ids.
func (b *Bus) call(ctx context.Context, r Request) (*call, error) {
	op, err := b.op(r.Payload)
	if err != nil {
		return nil, err
	}
	if err := permitted(op, r); err != nil {
		return nil, err
	}
	if r.Command == (es.ID{}) {
		r.Command = NewID()
	}
	if r.Correlation == (es.ID{}) {
		r.Correlation = r.Command
	}
	if r.Target == (es.ID{}) {
		if op.verb != create {
			return nil, es.Refuse(es.NotFound, "", "There is no such %s.", noun(op.Kind()))
		}
		r.Target = es.Derive(r.Command, "target", 0)
	}
	return &call{
		Request: r, op: op, ctx: ctx, done: make(chan struct{}),
		stream: es.StreamID{Account: r.Tenant.Account, Kind: op.Kind(), ID: r.Target},
	}, nil
}

// Load is an aggregate's state as the store has it now. What was never created
// has Revision 0.
func Load[S any](ctx context.Context, b *Bus, kind es.Kind[S], account, id es.ID) (S, error) {
	st, err := b.load(ctx, es.StreamID{Account: account, Kind: kind.Name, ID: id}, kind)
	return stateOf[S](st, err)
}

// LoadRecent is an aggregate's state, at most Config.Fresh old where another
// process writes to it. It costs nothing where it is in memory.
func LoadRecent[S any](ctx context.Context, b *Bus, kind es.Kind[S], account, id es.ID) (S, error) {
	st, err := b.fresh(ctx, es.StreamID{Account: account, Kind: kind.Name, ID: id}, kind)
	return stateOf[S](st, err)
}

func stateOf[S any](st *stream, err error) (S, error) {
	var zero S
	if err != nil {
		return zero, busy(err)
	}
	s, _ := st.state.(S)
	return s, nil
}

func (b *Bus) op(payload any) (Op, error) {
	var (
		op Op
		ok bool
	)
	switch p := payload.(type) {
	case Delete:
		op, ok = b.lifecycle[p.Kind][remove]
	case Restore:
		op, ok = b.lifecycle[p.Kind][restore]
	case Purge:
		op, ok = b.lifecycle[p.Kind][purge]
	case Named:
		op, ok = b.named[p.Operation()]
	default:
		op, ok = b.payloads[reflect.TypeOf(payload)]
	}
	if !ok {
		return Op{}, fmt.Errorf("command %T %+v is not declared", payload, payload)
	}
	return op, nil
}

func permitted(op Op, r Request) error {
	if r.Tenant.Account == (es.ID{}) {
		return es.Refuse(es.Forbidden, "account_missing", "The request belongs to no account.")
	}
	if !r.Actor.Role.AtLeast(op.Least) {
		return es.Refuse(es.Forbidden, "", "This needs the role %s or a higher one.", op.Least)
	}
	return nil
}

func (b *Bus) dryRun(c *call) (Outcome, error) {
	st, err := b.load(c.ctx, c.stream, c.op.kind)
	if err != nil {
		return Outcome{}, busy(err)
	}
	base := st.clone()
	base.recent = newRecent(b.config.Remember) // nothing of a dry run may be remembered.
	g := newGroup(b, base)
	g.decide(c.ctx, c)
	if c.err != nil {
		return Outcome{}, c.err
	}
	g.settle(st.position+int64(len(g.events)), b.config.Clock())
	return c.outcome, c.err
}

// busy says that the outcome is not known, or that nothing could be done.
func busy(err error) error {
	var e *es.Error
	if errors.As(err, &e) {
		return err
	}
	return &es.Error{
		Class: es.Unavailable, Code: "busy", Err: err,
		Message: "The change could not be confirmed in time. Send it again with the same Idempotency-Key.",
	}
}

// noun is how a person calls a kind: its name's last part.
func noun(kind string) string {
	_, entity, _ := strings.Cut(kind, ".")
	return strings.ReplaceAll(entity, "_", " ")
}
