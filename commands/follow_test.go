package commands_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// checkpoints keeps positions in memory, for one follower at a time.
type checkpoints struct {
	mu   sync.Mutex
	at   int64
	held sync.Mutex
}

func (c *checkpoints) Acquire(context.Context, string) (commands.Lease, error) {
	c.held.Lock()
	return &lease{c: c, lost: make(chan struct{})}, nil
}

func (c *checkpoints) Position(context.Context, string) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at, nil
}

type lease struct {
	c    *checkpoints
	lost chan struct{}
}

func (l *lease) Position() int64 { p, _ := l.c.Position(context.Background(), ""); return p }

func (l *lease) Save(_ context.Context, position int64) error {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.at = position
	return nil
}
func (l *lease) Lost() <-chan struct{} { return l.lost }
func (l *lease) Release()              { l.c.held.Unlock() }

func TestAFollowerGoesOnWhereItStoppedAndTriesAFailedReactionAgain(t *testing.T) {
	t.Parallel()
	c, store := onMemory(t)
	id := c.must(es.ID{}, writeNote{"a"}).Stream.ID
	for range 5 {
		c.must(id, addToNote{N: 1})
	}
	var mu sync.Mutex
	seen := map[int64]int{}
	fail := true
	points := &checkpoints{}
	follower := func() *commands.Follower {
		return &commands.Follower{
			Name: "test", Types: []string{"test.note.added.v1"}, Log: store, Checkpoints: points,
			Registry: es.NewRegistry(noteKind), Logger: slog.New(slog.DiscardHandler),
			Reactions: []commands.Reaction{func(_ context.Context, rec es.Recorded, e es.Event) error {
				mu.Lock()
				defer mu.Unlock()
				if fail && rec.Position == 3 {
					fail = false
					return errors.New("not now")
				}
				seen[rec.Position] += e.(noteAdded).N
				return nil
			}},
		}
	}
	until := func(position int64) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		f := follower()
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		waited, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := f.Passed(waited, position); err != nil {
			t.Fatal(err)
		}
		if s := f.Stuck(); s != "" {
			t.Errorf("it is past everything, and says %q", s)
		}
		stop()
		<-done
	}
	until(6)
	c.must(id, addToNote{N: 1})
	until(7)
	for position := int64(2); position <= 7; position++ {
		if seen[position] != 1 {
			t.Errorf("position %d was handled %d times", position, seen[position])
		}
	}
}
