package readapi

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestABucketGivesItsRateAndRefillsEvenly(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	th := newThrottle(func() time.Time { return now }, false)
	for i := range 5 {
		if s := th.take("auth_strict", "ann"); s.refused || s.remaining != 4-i {
			t.Fatalf("request %d: %+v", i, s)
		}
	}
	s := th.take("auth_strict", "ann")
	if !s.refused || s.retry != 12*time.Second || !s.reset.Equal(now.Add(time.Minute)) {
		t.Fatalf("the sixth: %+v", s)
	}
	if th.take("auth_strict", "bob").refused || th.take("auth", "ann").refused {
		t.Fatal("others pay for it")
	}
	now = now.Add(11 * time.Second)
	if !th.take("auth_strict", "ann").refused {
		t.Fatal("too early")
	}
	now = now.Add(time.Second)
	if th.take("auth_strict", "ann").refused {
		t.Fatal("it does not refill")
	}
	now = now.Add(time.Hour)
	if s := th.take("auth_strict", "ann"); s.remaining != 4 {
		t.Fatalf("it overflows: %+v", s)
	}
}

func TestNoPatternOfRequestsGetsMoreThanTheRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		th := newThrottle(func() time.Time { return now }, false)
		passed := 0
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
			if !th.take("auth", "ann").refused {
				passed++
			}
		}
		elapsed := now.Sub(time.Unix(1_700_000_000, 0))
		if most := 20 + int(elapsed.Minutes()*20) + 1; passed > most {
			t.Fatalf("%d passed in %s, at most %d may", passed, elapsed, most)
		}
	})
}

func TestFullBucketsAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	th := newThrottle(func() time.Time { return now }, false)
	for i := range manyBuckets {
		th.take(defaultScope, strconv.Itoa(i))
	}
	now = now.Add(time.Minute)
	th.take(defaultScope, "one more")
	if n := len(th.buckets); n != 1 {
		t.Errorf("%d buckets are left", n)
	}
}

func TestASwitchedOffThrottleStillTellsItsLimit(t *testing.T) {
	t.Parallel()
	th := newThrottle(time.Now, true)
	h := http.Header{}
	for range 200 {
		s := th.take("auth_strict", "ann")
		if s.refused {
			t.Fatal("it refused")
		}
		s.write(h, time.Now())
	}
	if h.Get("X-Throttle-Limit") != "5" || h.Get("X-Throttle-Remaining") != "5" {
		t.Errorf("%v", h)
	}
}
