package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus/deadletter"
)

// Status is how far a group came.
type Status struct {
	Group      string
	Partitions int
	// Position is what it has passed in every partition.
	Position int64
	// Owned is how many of its partitions some process works in.
	Owned int
}

// Status tells about every group there ever was, by name.
func (b *Bus) Status(ctx context.Context) ([]Status, error) {
	rows, err := b.config.Pool.Query(ctx, `SELECT p.group_name, count(*), min(p.position), count(m.id)
		FROM bus_partitions p LEFT JOIN bus_members m ON m.id = p.owner AND m.alive_until > now() GROUP BY 1 ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("status of the consumer groups: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s Status, err error) {
		err = r.Scan(&s.Group, &s.Partitions, &s.Position, &s.Owned)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("status of the consumer groups: %w", err)
	}
	return all, nil
}

// Passed waits until the group, in whatever process, has handled the aggregate's
// event at the position, and all before it.
func (b *Bus) Passed(ctx context.Context, group string, aggregate es.ID, position int64) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		if g := b.group(group); g != nil {
			if p := g.partition(g.partitionOf(aggregate)); p != nil {
				select {
				case <-p.passed(position):
					return nil
				case <-p.done: // it is somebody else's by now.
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		now, err := b.position(ctx, group, aggregate)
		if err != nil {
			return err
		}
		if now >= position {
			return nil
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

// position is the checkpoint of the aggregate's partition; 0 where the group has
// never been.
func (b *Bus) position(ctx context.Context, group string, aggregate es.ID) (int64, error) {
	positions := map[int]int64{}
	rows, err := b.config.Pool.Query(ctx, `SELECT partition, position FROM bus_partitions WHERE group_name = $1`, group)
	if err != nil {
		return 0, fmt.Errorf("checkpoint of %s: %w", group, err)
	}
	var (
		n        int
		position int64
	)
	if _, err := pgx.ForEachRow(rows, []any{&n, &position}, func() error { positions[n] = position; return nil }); err != nil {
		return 0, fmt.Errorf("checkpoint of %s: %w", group, err)
	}
	if len(positions) == 0 {
		return 0, nil
	}
	return positions[PartitionOf(aggregate, len(positions))], nil
}

// Rewind has the group handle everything after the position again, once; what it
// handles at the moment may come once more too. Consumers expect repeats, so that
// effects stay as they are unless what they derive from has changed.
func (b *Bus) Rewind(ctx context.Context, group string, position int64) error {
	tag, err := b.config.Pool.Exec(ctx, `UPDATE bus_partitions SET position = least(position, $2), owner = NULL, epoch = epoch + 1
		WHERE group_name = $1`, group, position)
	if err == nil {
		err = b.tell(ctx)
	}
	if err != nil {
		return fmt.Errorf("rewinding %s to %d: %w", group, position, err)
	}
	if tag.RowsAffected() == 0 {
		return es.Refuse(es.NotFound, "", "There is no consumer group %q.", group)
	}
	return nil
}

// replayAtOnce bounds how many dead letters are replayed between two looks.
const replayAtOnce = 200

// replay hands dead letters that somebody asked for to their partitions, where
// those are this process's.
func (b *Bus) replay(ctx context.Context) error {
	if b.config.Letters == nil {
		return nil
	}
	var groups []string
	for _, g := range b.all() {
		groups = append(groups, g.name)
	}
	if len(groups) == 0 {
		return nil
	}
	letters, err := b.config.Letters.List(ctx, deadletter.Filter{Groups: groups, States: []deadletter.State{deadletter.Replaying}}, replayAtOnce)
	if err != nil {
		return err
	}
	for _, l := range letters {
		g := b.group(l.Group)
		if g == nil {
			continue
		}
		stream, err := es.ParseStreamID(l.Stream)
		if err != nil {
			return fmt.Errorf("dead letter of %s at position %d: %w", l.Group, l.Position, err)
		}
		p := g.partition(g.partitionOf(stream.ID))
		if p == nil {
			continue
		}
		read, err := b.config.Log.Read(ctx, l.Position-1, es.Filter{}, 1)
		if err != nil {
			return fmt.Errorf("dead letter of %s at position %d: %w", l.Group, l.Position, err)
		}
		if len(read.Events) == 1 && read.Events[0].ID == l.Event {
			p.replay(read.Events[0])
		}
	}
	return nil
}
