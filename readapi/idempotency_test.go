package readapi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/readapi"
)

func key(k string) with { return head("Idempotency-Key", k) }

func TestARepeatUnderAKeyAnswersWhatWasAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"name":"lamp","maker":"Ann"}`
	first := w.want(w.do("POST", "test/widgets/", body, key("k")), 201, "")
	second := w.want(w.do("POST", "test/widgets", body, key("k")), 201, "")
	if second.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("replayed: %v, %v", first.Header, second.Header)
	}
	if fmt.Sprint(first.data()) != fmt.Sprint(second.data()) || second.data()["maker"] != "Ann" {
		t.Errorf("first %s, second %s", first.raw, second.raw)
	}
	for _, name := range []string{"ETag", "Location"} {
		if first.Header.Get(name) != second.Header.Get(name) {
			t.Errorf("%s: %q, then %q", name, first.Header.Get(name), second.Header.Get(name))
		}
	}
	if second.body["request_id"] != second.Header.Get("X-Request-ID") || second.body["request_id"] == first.body["request_id"] {
		t.Errorf("request ids: %s, %s", first.raw, second.raw)
	}
	w.want(w.do("GET", "test/widgets/", "", fresh(second)), 200, "")

	w.want(w.do("POST", "test/widgets/", `{"name":"desk"}`, key("k")), 422, "idempotency_key_reused")
	w.want(w.do("DELETE", "test/widgets/"+first.id()+"/", "", key("k")), 422, "idempotency_key_reused")
	w.want(w.do("POST", "test/widgets/", `{"name":"desk"}`, key("k"), as("editor@ann")), 201, "")
	w.want(w.do("POST", "test/widgets/", body, key("k"), as("admin@bob")), 201, "")

	for _, bad := range []string{"", strings.Repeat("k", 256), "k\x7f", "ключ"} {
		w.want(w.do("POST", "test/widgets/", body, key(bad)), 400, "")
	}
}

func TestARefusalFreesTheKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.made("lamp")
	w.want(w.do("POST", "test/widgets/", `{"name":""}`, key("k")), 400, "invalid")
	w.want(w.do("POST", "test/widgets/", `{"name":"lamp"}`, key("k")), 409, "")
	w.want(w.do("POST", "test/widgets/", `{"name":"desk"}`, key("k")), 201, "")
}

func TestTwoRequestsWithOneKeyAtOnceDoOneThing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	w.bus.before = func(context.Context, commands.Request) error {
		close(entered)
		<-leave
		return nil
	}
	first := make(chan *answer)
	go func() { first <- w.do("POST", "test/widgets/", `{"name":"lamp"}`, key("k")) }()
	<-entered
	a := w.want(w.do("POST", "test/widgets/", `{"name":"lamp"}`, key("k")), 409, "idempotency_in_flight")
	if a.Header.Get("Retry-After") == "" {
		t.Errorf("%v", a.Header)
	}
	close(leave)
	w.want(<-first, 201, "")
}

// A process that died after its command took effect leaves the key reserved;
// the next request with it, once the lease is over, has the same command id.
func TestWhoTakesAKeyOverDoesNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Timeout = 2 * time.Second })
	var ids []es.ID
	w.bus.before = func(ctx context.Context, r commands.Request) error {
		ids = append(ids, r.Command)
		if len(ids) > 1 {
			return nil
		}
		if _, err := w.bus.Bus.Do(ctx, r); err != nil {
			t.Error(err)
		}
		return errors.New("the process died here")
	}
	w.want(w.do("POST", "test/widgets/", `{"name":"lamp"}`, key("k")), 500, "internal")
	a := w.do("POST", "test/widgets/", `{"name":"lamp"}`, key("k"))
	for deadline := time.Now().Add(10 * time.Second); a.body["code"] == "idempotency_in_flight" && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		a = w.do("POST", "test/widgets/", `{"name":"lamp"}`, key("k"))
	}
	w.want(a, 201, "")
	if len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("command ids %v", ids)
	}
	if head, _ := w.store.Head(t.Context()); head != 1 {
		t.Errorf("%d events", head)
	}
}

func TestAKeptAnswerHoldsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.want(w.do("POST", "test/login/", `{"name":"ann"}`, key("k")), 200, "")
	second := w.want(w.do("POST", "test/login/", `{"name":"ann"}`, key("k")), 200, "")
	if first.data()["token"] != "s3cret" || second.data()["token"] != "" || second.data()["name"] != "ann" {
		t.Errorf("first %s, second %s", first.raw, second.raw)
	}
}

// watched remembers what was kept.
type watched struct {
	commands.Idempotency
	kept []commands.Answer
}

func (w *watched) Complete(ctx context.Context, k commands.IdempotencyKey, command es.ID, a commands.Answer) error {
	w.kept = append(w.kept, a)
	return w.Idempotency.Complete(ctx, k, command, a)
}

func TestPersonalFieldsAreKeptSealed(t *testing.T) {
	t.Parallel()
	var kept *watched
	w := newWorld(t, func(o *readapi.Options) {
		kept = &watched{Idempotency: o.Idempotency}
		o.Idempotency = kept
	})
	made := w.want(w.do("POST", "test/widgets/", `{"name":"lamp","maker":"Ann Example"}`, key("a")), 201, "")
	w.want(w.do("POST", "test/widgets/bulk_create/", `{"items":[{"name":"desk","maker":"Ann Example"}]}`, key("b")), 200, "")
	w.want(w.do("DELETE", "test/widgets/"+made.id()+"/", "", key("c")), 200, "")
	if len(kept.kept) != 3 {
		t.Fatalf("%d answers were kept", len(kept.kept))
	}
	for _, a := range kept.kept {
		if strings.Contains(string(a.Body), "Ann") || !strings.Contains(string(a.Body), es.SealedPrefix) {
			t.Errorf("kept: %s", a.Body)
		}
	}
}

// An item whose outcome is not known is not kept as failed: the same request
// finds out, and does nothing twice.
func TestABulkRequestThatWasCutGoesOnUnderItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *readapi.Options) { o.Timeout = 2 * time.Second })
	var mu sync.Mutex
	ids := map[string][]es.ID{}
	w.bus.before = func(ctx context.Context, r commands.Request) error {
		mu.Lock()
		defer mu.Unlock()
		c, _ := r.Payload.(makeWidget)
		ids[c.Name] = append(ids[c.Name], r.Command)
		if c.Name != "b" || len(ids["b"]) > 1 {
			return nil
		}
		if _, err := w.bus.Bus.Do(ctx, r); err != nil {
			t.Error(err)
		}
		return errors.New("the process died here")
	}
	body := `{"items":[{"name":"a"},{"name":"b"}]}`
	first := w.want(w.do("POST", "test/widgets/bulk_create/", body, key("k")), 200, "")
	if first.results()[1]["status"] != 500.0 {
		t.Fatalf("%s", first.raw)
	}
	a := w.do("POST", "test/widgets/bulk_create/", body, key("k"))
	for deadline := time.Now().Add(10 * time.Second); a.body["code"] == "idempotency_in_flight" && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		a = w.do("POST", "test/widgets/bulk_create/", body, key("k"))
	}
	w.want(a, 200, "")
	if a.results()[0]["status"] != 201.0 || a.results()[1]["status"] != 201.0 {
		t.Errorf("%s", a.raw)
	}
	if head, _ := w.store.Head(t.Context()); head != 2 || ids["a"][0] != ids["a"][1] || ids["b"][0] != ids["b"][1] || ids["a"][0] == ids["b"][0] {
		t.Errorf("%d events, command ids %v", head, ids)
	}
}
