package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore"
	"github.com/igny8/igny8/infra/eventstore/eventstoretest"
	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
)

const (
	appendersEach = 8 // callers in each appending process
	hotStreams    = 4 // streams that all processes write to
	sharedClaims  = 200
)

// journal is what an appending process writes down, each line in one write to
// a file that outlives it: "try COMMAND N" before an append, "ack COMMAND
// POSITION REVISION" once it was answered, and a word for each other answer.
type journal struct{ file *os.File }

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	return &journal{file}, err
}

func (j *journal) write(format string, args ...any) {
	if _, err := fmt.Fprintf(j.file, format+"\n", args...); err != nil {
		panic(err)
	}
}

// tried is an append of which a journal knows.
type tried struct {
	n        int
	acked    bool
	position int64
	revision int64
}

// readJournal gives the appends of a journal and the number of each word.
func readJournal(path string) (map[es.ID]*tried, map[string]int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }()
	appends, words := map[es.ID]*tried{}, map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		words[word]++
		var command string
		var n, position, revision int64
		switch word {
		case "try":
			if _, err := fmt.Sscan(rest, &command, &n); err != nil {
				return nil, nil, err
			}
			appends[uuid.MustParse(command)] = &tried{n: int(n)}
		case "ack":
			if _, err := fmt.Sscan(rest, &command, &position, &revision); err != nil {
				return nil, nil, err
			}
			a := appends[uuid.MustParse(command)]
			a.acked, a.position, a.revision = true, position, revision
		}
	}
	return appends, words, nil
}

// ownAppend is the append of a command to a stream of its own: the same
// command always gives the same append, in whatever process.
func ownAppend(command es.ID, n int) es.Append {
	stream := es.StreamID{Account: es.Derive(command, "account", 0), Kind: "planner.keyword", ID: es.Derive(command, "stream", 0)}
	a := eventstoretest.AppendOf(stream, 0, n)
	for i := range a.Events {
		a.Events[i].ID, a.Events[i].Command = es.EventID(command, i), command
	}
	return a
}

// appendUntilDone first repeats what an earlier, killed process tried and has no
// answer for, and then appends until ctx ends.
func appendUntilDone(ctx context.Context, db *database.DB, path string) error {
	j, err := openJournal(path)
	if err != nil {
		return err
	}
	store := postgres.NewStore(db.Pool(database.RoleAppender))
	finish := context.WithoutCancel(ctx) // what was begun is answered
	defer store.Close()
	if err := repeatUnanswered(finish, store, j); err != nil {
		return err
	}
	var all sync.WaitGroup
	for range appendersEach {
		all.Go(func() {
			for ctx.Err() == nil {
				step(finish, store, j)
				time.Sleep(rand.N(4 * time.Millisecond))
			}
		})
	}
	all.Wait()
	return nil
}

func repeatUnanswered(ctx context.Context, store *postgres.Store, j *journal) error {
	appends, _, err := readJournal(j.file.Name())
	if err != nil {
		return err
	}
	for command, a := range appends {
		if !a.acked {
			appendOwn(ctx, store, j, command, a.n)
		}
	}
	return nil
}

// step does one of the things that callers do, good and bad.
func step(ctx context.Context, store *postgres.Store, j *journal) {
	command := uuid.Must(uuid.NewV7())
	switch rand.N(8) {
	case 0:
		race(ctx, store, j)
	case 1:
		claim(ctx, store, j)
	case 2:
		leave(ctx, store, j)
	default:
		n := 1 + rand.N(3)
		j.write("try %s %d", command, n)
		appendOwn(ctx, store, j, command, n)
	}
}

// appendOwn sends an append again and again until it is answered.
func appendOwn(ctx context.Context, store *postgres.Store, j *journal, command es.ID, n int) {
	for {
		within, cancel := context.WithTimeout(ctx, 5*time.Second)
		done, err := store.Append(within, ownAppend(command, n))
		cancel()
		switch {
		case err == nil:
			j.write("ack %s %d %d", command, done.Position, done.Revision)
			return
		case errors.Is(err, eventstore.ErrUnknownOutcome), errors.Is(err, context.DeadlineExceeded):
			j.write("unknown")
		default:
			j.write("wrong %v", err)
			return
		}
	}
}

// race appends to a stream that others append to, at a revision that may be
// gone by then.
func race(ctx context.Context, store *postgres.Store, j *journal) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	stream := es.StreamID{Account: es.ID{7}, Kind: "planner.cluster", ID: es.ID{15: byte(rand.N(hotStreams))}}
	events, err := store.ReadStream(ctx, stream, 1)
	if err == nil {
		_, err = store.Append(ctx, eventstoretest.AppendOf(stream, int64(len(events)), 1))
	}
	note(j, err)
}

// claim takes one of few values, and so is often refused.
func claim(ctx context.Context, store *postgres.Store, j *journal) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	stream := es.StreamID{Account: es.ID{7}, Kind: "planner.keyword", ID: uuid.Must(uuid.NewV7())}
	_, err := store.Append(ctx, eventstoretest.AppendOf(stream, 0, 1,
		es.ClaimChange{Op: es.TakeClaim, Scope: "adversary", Key: []byte{byte(rand.N(sharedClaims))}},
		es.ClaimChange{Op: es.CountClaim, Scope: "adversary", Delta: 1, Limit: sharedClaims / 2}))
	note(j, err)
}

// leave gives an append up at any moment.
func leave(ctx context.Context, store *postgres.Store, j *journal) {
	ctx, cancel := context.WithTimeout(ctx, rand.N(3*time.Millisecond))
	defer cancel()
	stream := es.StreamID{Account: es.ID{7}, Kind: "planner.keyword", ID: uuid.Must(uuid.NewV7())}
	_, err := store.Append(ctx, eventstoretest.AppendOf(stream, 0, 2))
	note(j, err)
}

func note(j *journal, err error) {
	var stale *es.WrongRevisionError
	var refused *es.ClaimRefusedError
	switch {
	case err == nil:
		j.write("done")
	case errors.As(err, &stale):
		j.write("stale")
	case errors.As(err, &refused):
		j.write("refused")
	case errors.Is(err, eventstore.ErrUnknownOutcome):
		j.write("unknown")
	case errors.Is(err, context.DeadlineExceeded):
		j.write("left")
	case database.IsUnavailable(err):
		j.write("unavailable")
	default:
		j.write("wrong %v", err)
	}
}
