// Package deadletter keeps the events that consumer groups gave up, in
// Postgres, until somebody has them replayed.
package deadletter

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
)

// Channel is where Postgres tells that somebody asked for a replay, among what
// else concerns consumers.
const Channel = "igny8_bus"

// State is what became of a dead letter.
type State string

// The states. Replaying waits for the process that works in the event's
// partition; from there it becomes Replayed, or Dead again.
const (
	Dead      State = "dead"
	Replaying State = "replaying"
	Replayed  State = "replayed"
)

// Letter is an event that a group gave up.
type Letter struct {
	Account  es.ID     `json:"account_id"`
	Group    string    `json:"group"`
	Event    es.ID     `json:"event_id"`
	Position int64     `json:"position"`
	Type     string    `json:"type"`
	Stream   string    `json:"stream"`
	Request  string    `json:"request_id,omitempty"`
	Error    string    `json:"error"`
	Attempts int       `json:"attempts"` // in all, over replays
	First    time.Time `json:"first_failed_at"`
	Last     time.Time `json:"last_failed_at"`
	State    State     `json:"state"`
}

// Letters is safe for concurrent use.
type Letters struct{ pool *pgxpool.Pool }

// New keeps letters over a pool of the role igny8_projector.
func New(pool *pgxpool.Pool) *Letters { return &Letters{pool} }

// errorLength bounds what is kept of an error.
const errorLength = 2000

// Bury keeps an event that the group failed at so many times since then. A
// letter that was there is dead again, with the attempts added.
func (l *Letters) Bury(ctx context.Context, group string, rec es.Recorded, cause error, attempts int, since time.Time) error {
	text := strings.ReplaceAll(strings.ToValidUTF8(cause.Error(), "?"), "\x00", "?")
	if len(text) > errorLength {
		text = strings.ToValidUTF8(text[:errorLength], "")
	}
	_, err := l.pool.Exec(ctx, `INSERT INTO bus_dead_letters AS d
		(account_id, group_name, event_id, position, type, stream, request_id, error, attempts, first_failed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (account_id, group_name, event_id) DO UPDATE SET state = 'dead', error = excluded.error,
		attempts = d.attempts + excluded.attempts, last_failed_at = excluded.last_failed_at`,
		rec.Stream.Account, group, rec.ID, rec.Position, rec.Type, rec.Stream.String(), rec.Request, text, attempts, since)
	if err != nil {
		return fmt.Errorf("dead letter of %s at position %d: %w", group, rec.Position, err)
	}
	return nil
}

// Replayed says that the group got over the event. Where no letter is, it does
// nothing.
func (l *Letters) Replayed(ctx context.Context, group string, rec es.Recorded) error {
	_, err := l.pool.Exec(ctx, `UPDATE bus_dead_letters SET state = 'replayed'
		WHERE account_id = $1 AND group_name = $2 AND event_id = $3`, rec.Stream.Account, group, rec.ID)
	if err != nil {
		return fmt.Errorf("replayed dead letter of %s at position %d: %w", group, rec.Position, err)
	}
	return nil
}

// Filter picks letters; what is zero picks all.
type Filter struct {
	Groups []string
	Event  es.ID
	States []State
}

func (f Filter) where() (string, []any) {
	args := []any{f.Groups, f.Event, f.States}
	return `(coalesce(cardinality($1::text[]), 0) = 0 OR group_name = ANY ($1)) AND ($2 = '00000000-0000-0000-0000-000000000000'::uuid OR event_id = $2)
		AND (coalesce(cardinality($3::text[]), 0) = 0 OR state = ANY ($3))`, args
}

// List gives up to limit letters in the order of their events.
func (l *Letters) List(ctx context.Context, f Filter, limit int) ([]Letter, error) {
	where, args := f.where()
	rows, err := l.pool.Query(ctx, `SELECT account_id, group_name, event_id, position, type, stream, request_id, error, attempts,
		first_failed_at, last_failed_at, state FROM bus_dead_letters WHERE `+where+` ORDER BY position, group_name LIMIT $4`, append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("listing dead letters: %w", err)
	}
	letters, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Letter, err error) {
		err = row.Scan(&d.Account, &d.Group, &d.Event, &d.Position, &d.Type, &d.Stream, &d.Request, &d.Error, &d.Attempts, &d.First, &d.Last, &d.State)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing dead letters: %w", err)
	}
	return letters, nil
}

// Replay asks for the dead letters that f picks, whatever its States, to be
// handled again by their group, and says how many there are. The process that
// works in an event's partition does so: after what it has of that partition at
// hand, and never beside another event of the same aggregate. The group has
// passed later events of the aggregate by then: a reaction loads what it decides
// on. Asking again before that changes nothing.
func (l *Letters) Replay(ctx context.Context, f Filter) (int64, error) {
	f.States = []State{Dead}
	where, args := f.where()
	tag, err := l.pool.Exec(ctx, `UPDATE bus_dead_letters SET state = 'replaying' WHERE `+where, args...)
	if err == nil && tag.RowsAffected() > 0 {
		_, err = l.pool.Exec(ctx, `SELECT pg_notify($1, '')`, Channel)
	}
	if err != nil {
		return 0, fmt.Errorf("replaying dead letters: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Open counts the letters that are not replayed, by group.
func (l *Letters) Open(ctx context.Context) (map[string]int64, error) {
	rows, err := l.pool.Query(ctx, `SELECT group_name, count(*) FROM bus_dead_letters WHERE state <> 'replayed' GROUP BY group_name`)
	if err != nil {
		return nil, fmt.Errorf("counting dead letters: %w", err)
	}
	open := map[string]int64{}
	var (
		group string
		n     int64
	)
	if _, err := pgx.ForEachRow(rows, []any{&group, &n}, func() error { open[group] = n; return nil }); err != nil {
		return nil, fmt.Errorf("counting dead letters: %w", err)
	}
	return open, nil
}
