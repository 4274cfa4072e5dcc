package readapi

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// rates are requests a minute by scope (DOMAIN.md, section 2).
func rates() map[string]int {
	return map[string]int{
		"ai_function": 10, "image_gen": 15, "planner_ai": 10, "writer_ai": 10,
		"content_write": 30, "content_read": 100, "auth": 20, "auth_strict": 5,
		"planner": 60, "writer": 60, "system": 100, "system_admin": 30,
		"billing": 30, "billing_admin": 10, "integration": 60, defaultScope: 100,
	}
}

const (
	defaultScope = "default"
	// manyBuckets is when full buckets, which say nothing, are forgotten.
	manyBuckets = 50_000
)

// throttle is a token bucket for each scope and caller, in this process.
type throttle struct {
	rates map[string]int
	clock func() time.Time
	off   bool

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
	rate int
}

// standing is how a caller stands in a scope.
type standing struct {
	scope     string
	limit     int
	remaining int
	reset     time.Time // when the bucket is full again
	retry     time.Duration
	refused   bool
}

func newThrottle(clock func() time.Time, off bool) *throttle {
	return &throttle{rates: rates(), clock: clock, off: off, buckets: map[string]bucket{}}
}

// scope is the scope of a path that names none.
func (t *throttle) scope(path string) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(path, prefix), "/")
	if _, known := t.rates[word]; known {
		return word
	}
	return defaultScope
}

// full is the standing of who is not counted.
func (t *throttle) full(scope, _ string) standing {
	rate := t.rates[scope]
	return standing{scope: scope, limit: rate, remaining: rate, reset: t.clock()}
}

// take counts one request of who in the scope.
func (t *throttle) take(scope, who string) standing { return t.count(scope, who, 1) }

// look counts nothing.
func (t *throttle) look(scope, who string) standing { return t.count(scope, who, 0) }

func (t *throttle) count(scope, who string, n float64) standing {
	s := t.full(scope, who)
	if t.off {
		return s
	}
	now, rate := s.reset, s.limit
	key := scope + " " + who
	t.mu.Lock()
	defer t.mu.Unlock()
	b, known := t.buckets[key]
	if !known {
		t.forget(now)
		b = bucket{left: float64(rate), at: now, rate: rate}
	}
	b = b.refilled(now)
	if b.left >= n {
		b.left -= n
	} else {
		s.refused = true
		s.retry = b.until(n)
	}
	t.buckets[key] = b
	s.remaining, s.reset = int(b.left), now.Add(b.until(float64(rate)))
	return s
}

// refilled is the bucket as it is now.
func (b bucket) refilled(now time.Time) bucket {
	b.left = min(float64(b.rate), b.left+now.Sub(b.at).Minutes()*float64(b.rate))
	b.at = now
	return b
}

func (b bucket) until(level float64) time.Duration {
	return time.Duration((level - b.left) / float64(b.rate) * float64(time.Minute))
}

func (t *throttle) forget(now time.Time) {
	if len(t.buckets) < manyBuckets {
		return
	}
	for key, b := range t.buckets {
		if b.refilled(now).left >= float64(b.rate) {
			delete(t.buckets, key)
		}
	}
}

func (s standing) write(h http.Header, now time.Time) {
	h.Set("X-Throttle-Limit", strconv.Itoa(s.limit))
	h.Set("X-Throttle-Remaining", strconv.Itoa(s.remaining))
	h.Set("X-Throttle-Reset", strconv.FormatInt(s.reset.Unix(), 10))
	h.Set("RateLimit-Policy", `"`+s.scope+`";q=`+strconv.Itoa(s.limit)+`;w=60`)
	h.Set("RateLimit", `"`+s.scope+`";r=`+strconv.Itoa(s.remaining)+`;t=`+strconv.Itoa(seconds(s.reset.Sub(now))))
}

func (s standing) err() error {
	if !s.refused {
		return nil
	}
	return &httpError{
		status: http.StatusTooManyRequests, code: "throttled", retryAfter: max(1, seconds(s.retry)),
		message: "Too many requests. Wait as Retry-After says.",
	}
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
