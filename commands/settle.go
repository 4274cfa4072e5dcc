package commands

import (
	"context"
	"time"

	"github.com/igny8/igny8/domain/es"
)

// settleWithin bounds how long an answer waits for what follows from it.
const settleWithin = 5 * time.Second

// Settling is a Bus whose deletes and restores of parents answer when their
// children followed, so that who reads next finds none of them as it was. The
// work is done whether or not somebody waits.
type Settling struct {
	*Bus
	// Parents are the kinds whose deletion and restore others follow.
	Parents []es.AnyKind
	// Followed waits until what follows from the aggregate's event at the position
	// is done, in whatever process.
	Followed func(ctx context.Context, aggregate es.ID, position int64) error
	// Head is the log's last position.
	Head func(ctx context.Context) (int64, error)
}

// Do carries a command out as Bus does. When the children take longer than 5 s
// it answers before them.
func (s *Settling) Do(ctx context.Context, r Request) (Outcome, error) {
	o, err := s.Bus.Do(ctx, r)
	if err != nil || r.DryRun || !s.waits(r.Payload) {
		return o, err
	}
	waitCtx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	if s.Followed(waitCtx, o.Stream.ID, o.Position) != nil {
		return o, nil // done all the same, and soon.
	}
	if head, err := s.Head(waitCtx); err == nil {
		o.Position = max(o.Position, head)
	}
	return o, nil
}

func (s *Settling) waits(payload any) bool {
	kind := ""
	switch p := payload.(type) {
	case Delete:
		kind = p.Kind
	case Restore:
		kind = p.Kind
	}
	for _, parent := range s.Parents {
		if parent.KindName() == kind {
			return true
		}
	}
	return false
}
