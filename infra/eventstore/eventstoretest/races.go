package eventstoretest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/igny8/igny8/domain/es"
)

func races() map[string]check {
	return map[string]check{
		"of 64 callers at one revision exactly one wins":             oneRevision,
		"of 64 callers who take one claim exactly one wins":          oneClaim,
		"of 64 callers who count up to a limit only the limit wins":  oneLimit,
		"64 repeats of one append write it once":                     manyRepeats,
		"callers who leave in between are written whole or not":      leaving,
		"readers see every event of concurrent appenders once":       readersSeeAll,
		"64 callers who read while others write see whole revisions": readersOfStreams,
	}
}

const callers = 64

// together runs f for each caller at the same time and gives their errors.
func together(f func(i int) error) []error {
	errs := make([]error, callers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// wantWinners fails unless n callers won and the others got an error of type E.
func wantWinners[E error](t *testing.T, errs []error, n int) {
	t.Helper()
	won := 0
	for i, err := range errs {
		var as E
		switch {
		case err == nil:
			won++
		case !errors.As(err, &as):
			t.Errorf("caller %d: %v", i, err)
		}
	}
	if won != n {
		t.Errorf("%d callers won, want %d", won, n)
	}
}

func oneRevision(t *testing.T, f Fixture) {
	s := newStream()
	wantWinners[*es.WrongRevisionError](t, together(func(int) error {
		_, err := f.Store.Append(t.Context(), AppendOf(s, 0, 1))
		return err
	}), 1)
	wantRevisions(t, mustRead(t, f, s), 1)
}

func oneClaim(t *testing.T, f Fixture) {
	scope := newScope()
	wantWinners[*es.ClaimRefusedError](t, together(func(int) error {
		_, err := f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, take(scope, "k")))
		return err
	}), 1)
}

func oneLimit(t *testing.T, f Fixture) {
	scope := newScope()
	wantWinners[*es.ClaimRefusedError](t, together(func(int) error {
		_, err := f.Store.Append(t.Context(), AppendOf(newStream(), 0, 1, count(scope, 1, 10)))
		return err
	}), 10)
}

func manyRepeats(t *testing.T, f Fixture) {
	a := AppendOf(newStream(), 0, 2)
	answers := make([]es.Appended, callers)
	for i, err := range together(func(i int) (err error) {
		answers[i], err = f.Store.Append(t.Context(), a)
		return err
	}) {
		if err != nil {
			t.Fatalf("caller %d: %v", i, err)
		}
		if !f.LogFollows && (answers[i].Position != answers[0].Position || answers[i].Revision != 2) {
			t.Errorf("caller %d was answered %+v", i, answers[i])
		}
	}
	sameEvents(t, mustRead(t, f, a.Stream), a)
}

func leaving(t *testing.T, f Fixture) {
	streams := make([]es.StreamID, callers)
	errs := together(func(i int) error {
		ctx, cancel := context.WithCancel(t.Context())
		streams[i] = newStream()
		go cancel()
		_, err := f.Store.Append(ctx, AppendOf(streams[i], 0, 2))
		return err
	})
	mustAppend(t, f, AppendOf(newStream(), 0, 1))
	for i, s := range streams {
		switch events := mustRead(t, f, s); {
		case errs[i] == nil && len(events) != 2, len(events) == 1:
			t.Errorf("caller %d was answered %v and %d events are stored", i, errs[i], len(events))
		case errs[i] != nil && !errors.Is(errs[i], context.Canceled):
			t.Errorf("caller %d was answered %v", i, errs[i])
		}
	}
}

func readersSeeAll(t *testing.T, f Fixture) {
	account := newID()
	const each = 10
	type reading struct {
		events []es.Recorded
		err    error
	}
	read := make(chan reading, 4)
	for range cap(read) {
		go func() {
			events, err := follow(t.Context(), f, 0, es.Filter{Account: account}, callers*each)
			read <- reading{events, err}
		}()
	}
	for i, err := range together(func(int) error {
		s := streamOf(account)
		for n := range int64(each) {
			if _, err := f.Store.Append(t.Context(), AppendOf(s, n, 1)); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Fatalf("caller %d: %v", i, err)
		}
	}
	for range cap(read) {
		r := <-read
		if r.err != nil {
			t.Fatal(r.err)
		}
		wantInOrder(t, r.events)
	}
}

// wantInOrder fails unless positions rise and each stream's revisions are 1, 2
// and so on.
func wantInOrder(t *testing.T, events []es.Recorded) {
	t.Helper()
	at := map[es.StreamID]int64{}
	var last int64
	for _, e := range events {
		if e.Position <= last || e.Revision != at[e.Stream]+1 {
			t.Fatalf("position %d follows %d, revision %d of %s follows %d", e.Position, last, e.Revision, e.Stream, at[e.Stream])
		}
		last, at[e.Stream] = e.Position, e.Revision
	}
}

func readersOfStreams(t *testing.T, f Fixture) {
	s := newStream()
	for i, err := range together(func(i int) error {
		if i == 0 {
			for n := range int64(10) {
				if _, err := f.Store.Append(t.Context(), AppendOf(s, 2*n, 2)); err != nil {
					return err
				}
			}
			return nil
		}
		events, err := f.Store.ReadStream(t.Context(), s, 1)
		if err == nil && len(events)%2 != 0 {
			err = errors.New("half of an append was seen")
		}
		return err
	}) {
		if err != nil {
			t.Fatalf("caller %d: %v", i, err)
		}
	}
}
