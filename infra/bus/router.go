package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
)

// Subscribers gives each consumer group its messages.
type Subscribers interface {
	// Subscriber is the group's: it delivers each event of the types on its
	// topic at least once, from the oldest on, the next of an aggregate only
	// when the one before was acknowledged, and one that was not again and
	// again. Events of other types may come too. It begins when each of the
	// topics is subscribed to.
	Subscriber(ctx context.Context, group string, topics, types []string) (message.Subscriber, error)
}

// DeadLetters keeps what groups give up. infra/bus/deadletter implements it.
type DeadLetters interface {
	Bury(ctx context.Context, group string, rec es.Recorded, cause error, attempts int, since time.Time) error
	Replayed(ctx context.Context, group string, rec es.Recorded) error
}

// Config is what a Router is made of. All but the last three must be set.
type Config struct {
	Groups      []commands.Reactions
	Subscribers Subscribers
	DeadLetters DeadLetters
	Registry    *es.Registry
	Logger      *slog.Logger
	Metrics     *Metrics
	// Unavailable tells whether an error that is no *es.Error means that a part
	// of ours is not there now.
	Unavailable func(error) bool
	// Attempt bounds one call of a group's reactions; 0 is 45 s.
	Attempt time.Duration
}

// Router calls the groups' reactions. It is a Watermill router with a handler
// for each topic of each group.
type Router struct {
	config Config
	stuck  *stuck
}

// NewRouter checks that no two groups share a name and that each wants events
// that exist.
func NewRouter(c Config) (*Router, error) {
	if c.Attempt == 0 {
		c.Attempt = 45 * time.Second
	}
	if c.Unavailable == nil {
		c.Unavailable = func(error) bool { return false }
	}
	seen := map[string]bool{}
	for _, g := range c.Groups {
		switch {
		case seen[g.Group] || g.Group == "":
			return nil, fmt.Errorf("two groups of reactions are called %q", g.Group)
		case len(Topics(g.Types, modules(c.Registry))) == 0:
			return nil, fmt.Errorf("the group %s wants no event that there is", g.Group)
		}
		seen[g.Group] = true
	}
	return &Router{config: c, stuck: &stuck{at: map[stuckKey]stuckAt{}}}, nil
}

// modules are the first parts of the kinds' names.
func modules(registry *es.Registry) []string {
	var names []string
	for _, kind := range registry.Kinds() {
		module, _, _ := strings.Cut(kind, ".")
		names = append(names, module)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// closeTimeout bounds how long a stop waits for reactions at work.
const closeTimeout = 15 * time.Second

// Run calls reactions until ctx ends, then waits for those at work. It fails
// when a group cannot subscribe.
func (r *Router) Run(ctx context.Context) error {
	if len(r.config.Groups) == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	quiet := map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug, slog.LevelError: slog.LevelDebug} // what matters is logged here.
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, watermill.NewSlogLoggerWithLevelMapping(r.config.Logger, quiet))
	if err != nil {
		return fmt.Errorf("router of reactions: %w", err)
	}
	for _, g := range r.config.Groups {
		topics := Topics(g.Types, modules(r.config.Registry))
		subscriber, err := r.config.Subscribers.Subscriber(ctx, g.Group, topics, g.Types)
		if err != nil {
			return fmt.Errorf("subscribing %s: %w", g.Group, err)
		}
		for _, topic := range topics {
			h := router.AddConsumerHandler(g.Group+" "+topic, topic, subscriber, r.handler(g)) //nolint:contextcheck // each message brings its own.
			h.AddMiddleware(r.middlewares(g)...)                                               //nolint:contextcheck // each message brings its own.
		}
	}
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("router of reactions: %w", err)
	}
	return ctx.Err()
}

// Stuck says which events groups cannot get past because something is not
// there, one line each.
func (r *Router) Stuck() []string { return r.stuck.list(time.Now()) }

// middlewares are what surrounds a group's reactions, outermost first. Dead
// letters are outermost, so that only what the retries gave up gets there; a
// panic becomes an error before anything else sees it.
func (r *Router) middlewares(g commands.Reactions) []message.HandlerMiddleware {
	return []message.HandlerMiddleware{
		r.event(g), r.deadLetters(g), r.observe(g), r.retry(g), middleware.Recoverer,
	}
}

// handler calls a group's reactions one after another.
func (r *Router) handler(g commands.Reactions) message.NoPublishHandlerFunc {
	return func(m *message.Message) error {
		ctx := m.Context()
		rec := eventOf(ctx)
		e, err := r.config.Registry.Decode(rec)
		if err != nil {
			return fmt.Errorf("decoding %s: %w", rec.Type, err)
		}
		if e == nil { // purged: nothing is to follow from it any more.
			return nil
		}
		for _, react := range g.React {
			if err := react(ctx, rec, e); err != nil {
				return err
			}
		}
		return nil
	}
}

type eventKey struct{}

func eventOf(ctx context.Context) es.Recorded {
	rec, _ := ctx.Value(eventKey{}).(es.Recorded)
	return rec
}

// event reads the message, for all within, and passes over events that the
// group does not want.
func (r *Router) event(g commands.Reactions) message.HandlerMiddleware {
	wanted := es.Filter{Types: g.Types}
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			rec, err := Recorded(m)
			if err != nil { // nothing of ours: an error would have it sent for ever.
				r.config.Logger.ErrorContext(m.Context(), "a message is no event and is passed over", slog.String("group", g.Group), slog.Any("error", err))
				r.config.Metrics.handled(g.Group, outcomeForeign, 0)
				return nil, nil
			}
			if !eventstore.Matches(wanted, rec.Envelope) {
				return nil, nil
			}
			m.SetContext(context.WithValue(m.Context(), eventKey{}, rec))
			return next(m)
		}
	}
}

// unavailable says whether to try again for as long as it takes.
func (r *Router) unavailable(err error) bool {
	var e *es.Error
	if errors.As(err, &e) {
		return e.Class == es.Unavailable
	}
	return r.config.Unavailable(err)
}
