package jwt

import (
	"sync"
	"time"

	"github.com/igny8/igny8/commands/identity"
)

// mostVerified bounds the tokens that are remembered.
const mostVerified = 10_000

// verified remembers tokens whose signature was checked, by their SHA-256, until
// they expire: checking one again costs a fifth of a small request. A token is
// never revoked before it expires; who it speaks for is looked up each time.
type verified struct {
	mu  sync.Mutex
	all map[[32]byte]remembered
}

type remembered struct {
	who     identity.Bearer
	expires time.Time
}

func newVerified() *verified { return &verified{all: map[[32]byte]remembered{}} }

func (v *verified) get(sum [32]byte, now time.Time) (identity.Bearer, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r, ok := v.all[sum]
	if !ok || !now.Before(r.expires) {
		delete(v.all, sum)
		return identity.Bearer{}, false
	}
	return r.who, true
}

// put forgets everything when there is too much: it is only work to be done
// again.
func (v *verified) put(sum [32]byte, who identity.Bearer, expires time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.all) >= mostVerified {
		clear(v.all)
	}
	v.all[sum] = remembered{who, expires}
}
