package memory

import (
	"context"

	"github.com/igny8/igny8/domain/es"
)

type claimKey struct{ scope, key string }

func keyOf(c es.ClaimChange) claimKey { return claimKey{c.Scope, string(c.Key)} }

// ClaimHolder is the stream that holds a unique claim; ok is false when nobody
// does.
func (s *Store) ClaimHolder(ctx context.Context, scope string, key []byte) (holder es.StreamID, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return es.StreamID{}, false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	holder, ok = s.claims[claimKey{scope, string(key)}]
	return holder, ok, nil
}

// checkClaims looks at unique claims before it looks at counts, and names the
// first that is refused.
func (s *Store) checkClaims(a es.Append) error {
	for i, c := range a.Claims {
		if holder, held := s.claims[keyOf(c)]; c.Op == es.TakeClaim && held && holder != a.Stream {
			return &es.ClaimRefusedError{Index: i}
		}
	}
	sums := map[string]int64{}
	for i, c := range a.Claims {
		if c.Op != es.CountClaim {
			continue
		}
		used := s.counters[c.Scope] + sums[c.Scope]
		if c.Delta > 0 && used+c.Delta > c.Limit {
			return &es.ClaimRefusedError{Index: i, Used: used, Limit: c.Limit}
		}
		sums[c.Scope] += c.Delta
	}
	return nil
}

func (s *Store) applyClaims(a es.Append) {
	for _, c := range a.Claims {
		if c.Op == es.ReleaseClaim && s.claims[keyOf(c)] == a.Stream {
			delete(s.claims, keyOf(c))
		}
	}
	for _, c := range a.Claims {
		switch c.Op {
		case es.TakeClaim:
			s.claims[keyOf(c)] = a.Stream
		case es.CountClaim:
			s.counters[c.Scope] += c.Delta
		case es.ReleaseClaim:
		}
	}
}
