package tasks_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/tasks"
)

// doing is a kind whose Do is f, tried three times.
func doing(f func(ctx context.Context, run *tasks.Run, in input) (output, error)) tasks.Work[input, output] {
	return tasks.Work[input, output]{Do: f}
}

func TestWhatFailsForAMomentIsTriedAgain(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	k := tasks.Declare("test.flaky", commands.InAccount, time.Minute, doing(func(context.Context, *tasks.Run, input) (output, error) {
		switch tries.Add(1) {
		case 1:
			return output{}, errBroken
		case 2:
			panic("a bug")
		}
		return output{Sum: 3}, nil
	}))
	r := newRig(t, k)
	r.react()
	r.worker(r.config())
	account := uuid.New()
	task := r.queue(k, account, input{})
	r.ended(account, task)
	if story := r.types(account, task); story != "queued started failed started failed started succeeded" {
		t.Error(story)
	}
}

func TestATaskThatGoesOnFailingDiesAndTellsNothingInternal(t *testing.T) {
	t.Parallel()
	k := tasks.Declare("test.broken", commands.InAccount, time.Minute, doing(func(context.Context, *tasks.Run, input) (output, error) {
		return output{}, errBroken
	}))
	r := newRig(t, k)
	r.react()
	r.worker(r.config())
	account := uuid.New()
	task := r.queue(k, account, input{})
	last, state := r.ended(account, task)
	f, _ := last.(domain.TaskFailed)
	if state != domain.Failed || f.Attempt != 3 || f.Code != "internal" || !strings.Contains(f.Message, "request-1") || strings.Contains(f.Message, "SELECT") {
		t.Errorf("%s: %+v", state, f)
	}
	r.until("it is dead", func() bool { return r.rows("dead") == 1 })
}

func TestARefusalEndsATaskAtOnceWithItsWordAndMessage(t *testing.T) {
	t.Parallel()
	k := tasks.Declare("test.refused", commands.InAccount, time.Minute, doing(func(context.Context, *tasks.Run, input) (output, error) {
		return output{}, es.Refuse(es.Plan, "insufficient_credits", "It takes 7 credits, and 3 are there.")
	}))
	r := newRig(t, k)
	r.react()
	r.worker(r.config())
	account := uuid.New()
	task := r.queue(k, account, input{})
	last, _ := r.ended(account, task)
	if f, _ := last.(domain.TaskFailed); !f.Final || f.Attempt != 1 || f.Code != "insufficient_credits" || f.Message != "It takes 7 credits, and 3 are there." {
		t.Errorf("%+v", last)
	}
}

func TestADeadTaskIsReplayedFromWhatItsAttemptsKept(t *testing.T) {
	t.Parallel()
	var mended atomic.Bool
	k := tasks.Declare("test.mended", commands.InAccount, time.Minute, doing(func(ctx context.Context, run *tasks.Run, _ input) (output, error) {
		var kept output
		if _, err := run.Saved(&kept); err != nil {
			return output{}, err
		}
		if mended.Load() {
			return kept, nil
		}
		kept.Sum++
		if err := run.Save(ctx, kept); err != nil {
			return output{}, err
		}
		return output{}, errBroken
	}))
	r := newRig(t, k)
	r.react()
	r.worker(r.config())
	account := uuid.New()
	task := r.queue(k, account, input{})
	r.ended(account, task)
	mended.Store(true)
	for range 2 { // again changes nothing.
		if err := r.ask(account, task, tasks.Replay{}); err != nil && es.ClassOf(err) != es.Conflict {
			t.Fatal(err)
		}
	}
	r.until("its success", func() bool {
		_, state := r.ended(account, task)
		return state == domain.Succeeded
	})
	story := r.story(account, task)
	last, _ := story[len(story)-1].(domain.TaskSucceeded)
	if text(last.Result) != `{"sum":3}` || last.Attempt != 4 {
		t.Errorf("%+v after %s", last, r.types(account, task))
	}
}

func TestAnAttemptHasItsTimeAlsoIfItDoesNotListen(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var late atomic.Pointer[error]
	k := tasks.Declare("test.deaf", commands.InAccount, 30*time.Millisecond, tasks.Work[input, output]{
		Attempts: 2,
		Do: func(ctx context.Context, run *tasks.Run, _ input) (output, error) {
			<-release
			err := run.Save(context.WithoutCancel(ctx), output{Sum: 666})
			late.CompareAndSwap(nil, &err)
			return output{Sum: 666}, nil
		},
	})
	r := newRig(t, k)
	r.react()
	seen := &observed{}
	c := r.config()
	c.Metrics = seen
	r.worker(c)
	account := uuid.New()
	task := r.queue(k, account, input{})
	_, state := r.ended(account, task)
	if state != domain.TimedOut || r.types(account, task) != "queued started timed_out started timed_out!" || seen.abandoned.Load() != 2 {
		t.Errorf("%s: %s; abandoned %d", state, r.types(account, task), seen.abandoned.Load())
	}
	r.until("it is dead", func() bool { return r.rows("dead") == 1 })
	close(release)
	r.until("the late save", func() bool { return late.Load() != nil })
	if err := *late.Load(); err == nil {
		t.Error("a late save took effect")
	}
}

func TestOneCancelsWhatWaitsAndWhatRuns(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 10)
	var told atomic.Int32
	k := tasks.Declare("test.long", commands.InAccount, time.Minute, tasks.Work[input, output]{
		Do: func(ctx context.Context, _ *tasks.Run, _ input) (output, error) {
			begun <- struct{}{}
			<-ctx.Done()
			return output{}, ctx.Err()
		},
		Ended: func(_ context.Context, _ *tasks.Run, _ input, state domain.State) error {
			if state == domain.Cancelled {
				told.Add(1)
			}
			return nil
		},
	})
	r := newRig(t, k)
	r.react()
	c := r.config()
	c.Slots, c.PerAccount = 1, 1
	r.worker(c)
	account := uuid.New()
	runs := r.queue(k, account, input{})
	<-begun
	waits := r.queue(k, account, input{})
	r.until("the second waits", func() bool { return r.rows("waiting") == 1 })
	for _, c := range []struct {
		task  es.ID
		story string
	}{{waits, "queued cancel_requested cancelled"}, {runs, "queued started cancel_requested cancelled"}} {
		task, story, from := c.task, c.story, time.Now()
		if err := r.ask(account, task, tasks.Cancel{}); err != nil {
			t.Fatal(err)
		}
		if _, state := r.ended(account, task); state != domain.Cancelled || r.types(account, task) != story {
			t.Errorf("%s: %s", state, r.types(account, task))
		}
		if took := time.Since(from); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
		if task == waits && len(begun) > 0 {
			t.Error("it was begun all the same")
		}
	}
	r.until("both rows are gone", func() bool { return r.rows("running")+r.rows("waiting")+r.rows("dead") == 0 })
	if told.Load() != 2 {
		t.Errorf("told of %d cancels", told.Load())
	}
	if err := r.ask(account, runs, tasks.Replay{}); es.ClassOf(err) != es.Conflict {
		t.Errorf("a cancelled task was replayed: %v", err)
	}
}

func TestProgressIsThereForThoseWhoWatch(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	k := tasks.Declare("test.slow", commands.InAccount, time.Minute, doing(func(_ context.Context, run *tasks.Run, _ input) (output, error) {
		run.Progress("counting", 3, 7)
		<-release
		run.Progress("counting", 7, 7)
		return output{}, nil
	}))
	r := newRig(t, k)
	r.react()
	r.worker(r.config())
	account := uuid.New()
	task := r.queue(k, account, input{})
	r.until("progress", func() bool { return r.progress(account, task) == tasks.Progress{Stage: "counting", Done: 3, Total: 7} })
	if other := r.progress(uuid.New(), task); other != (tasks.Progress{}) {
		t.Errorf("another account sees %+v", other)
	}
	close(release)
	last, _ := r.ended(account, task)
	if s, _ := last.(domain.TaskSucceeded); s.Done != 7 {
		t.Errorf("%+v", last)
	}
}

func TestAStopGivesBackWhatCannotEndAtOnce(t *testing.T) {
	t.Parallel()
	begun := make(chan int, 10)
	k := tasks.Declare("test.returned", commands.InAccount, time.Minute, tasks.Work[input, output]{
		Attempts: 1,
		Do: func(ctx context.Context, run *tasks.Run, _ input) (output, error) {
			begun <- run.Attempt
			if run.Attempt == 1 {
				<-ctx.Done()
				return output{}, ctx.Err()
			}
			return output{Sum: run.Attempt}, nil
		},
	})
	r := newRig(t, k)
	r.react()
	c := r.config()
	c.Drain = time.Millisecond
	stop := r.worker(c)
	account := uuid.New()
	task := r.queue(k, account, input{})
	<-begun
	from := time.Now()
	stop()
	if took := time.Since(from); took > time.Second || r.rows("waiting") != 1 {
		t.Errorf("it took %s, and %d wait", took, r.rows("waiting"))
	}
	r.worker(c)
	if last, state := r.ended(account, task); state != domain.Succeeded {
		t.Errorf("an attempt that was given back was counted: %+v", last)
	}
}
