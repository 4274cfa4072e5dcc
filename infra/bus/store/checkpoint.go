package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// saveWithin is how long an acknowledged message may not be in its checkpoint.
	saveWithin = 50 * time.Millisecond
	// saveApart is the least time between two writes of checkpoints.
	saveApart = 5 * time.Millisecond
)

// saves wakes who writes checkpoints.
type saves struct{ now, soon chan struct{} }

// mark is a checkpoint to write.
type mark struct {
	p        *partition
	position int64
}

// marks are checkpoints as a statement's arguments.
func marks(all []mark) (groups []string, numbers []int32, epochs, positions []int64) {
	for _, m := range all {
		groups, numbers = append(groups, m.p.g.name), append(numbers, int32(m.p.n)) //nolint:gosec // G115: small numbers.
		epochs, positions = append(epochs, m.p.epoch), append(positions, m.position)
	}
	return groups, numbers, epochs, positions
}

// saveLoop writes the checkpoints of all groups, each write in one statement.
func (b *Bus) saveLoop(ctx context.Context) {
	for {
		select {
		case <-b.saves.now:
		case <-b.saves.soon:
			timer := time.NewTimer(saveWithin)
			select {
			case <-b.saves.now:
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
		case <-ctx.Done():
			return
		}
		if err := b.save(ctx, false); err != nil && ctx.Err() == nil {
			b.config.Logger.WarnContext(ctx, "writing checkpoints failed and is tried again", slog.Any("error", err))
			ring(b.saves.soon)
		}
		if !pause(ctx, saveApart) {
			return
		}
	}
}

// save writes the checkpoints that messages moved, or all that moved. A
// partition that was taken over loses its worker here.
func (b *Bus) save(ctx context.Context, all bool) error {
	var due []mark
	for _, g := range b.all() {
		for _, p := range g.owned() {
			if position, ok := p.due(all); ok {
				due = append(due, mark{p, position})
			}
		}
	}
	if len(due) == 0 {
		return nil
	}
	fenced, err := b.write(ctx, due)
	if err != nil {
		for _, m := range due {
			m.p.notSaved()
		}
		return err
	}
	for _, p := range fenced {
		if p.g.partition(p.n) != p { // it was given back meanwhile.
			continue
		}
		p.g.logger.WarnContext(ctx, "a partition was taken over while this process did not answer", slog.Int("partition", p.n))
		p.g.lose(p)
		ring(b.bell)
	}
	return nil
}

// due is the checkpoint to write, if there is one.
func (p *partition) due(all bool) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handled == p.saved || !all && !p.touched {
		return 0, false
	}
	p.saved, p.touched, p.since = p.handled, false, 0
	return p.handled, true
}

// reached is the checkpoint, also while it is being written: a write that comes
// after the partition was given back has no effect.
func (p *partition) reached() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.handled
}

func (p *partition) notSaved() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saved, p.touched = -1, true
}

// write writes checkpoints where the epoch is still theirs, and gives the
// partitions of the others. One that a crash takes back costs repeats, which
// consumers expect, so it does not wait for the disk.
func (b *Bus) write(ctx context.Context, due []mark) (fenced []*partition, err error) {
	groups, numbers, epochs, positions := marks(due)
	written := map[mark]bool{}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT set_config('synchronous_commit', 'off', true)`)
	batch.Queue(`UPDATE bus_partitions p SET position = m.position
		FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) WITH ORDINALITY m(group_name, partition, epoch, position, i)
		WHERE p.group_name = m.group_name AND p.partition = m.partition AND p.epoch = m.epoch RETURNING m.i`,
		groups, numbers, epochs, positions).Query(func(rows pgx.Rows) error {
		var i int
		_, err := pgx.ForEachRow(rows, []any{&i}, func() error { written[due[i-1]] = true; return nil })
		return err
	})
	if err := b.config.Pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("writing checkpoints: %w", err)
	}
	for _, m := range due {
		if !written[m] {
			fenced = append(fenced, m.p)
		}
	}
	return fenced, nil
}

// giveUp ends the work in partitions of one group and gives them back, each with
// its last checkpoint.
func (g *group) giveUp(parts []*partition) {
	if len(parts) == 0 {
		return
	}
	ended := make(chan struct{})
	for _, p := range parts {
		p.halt()
		go func() { p.drain(); ended <- struct{}{} }()
	}
	for range parts {
		<-ended
	}
	g.mu.Lock()
	all := make([]mark, 0, len(parts))
	for _, p := range parts {
		if g.parts[p.n] == p {
			delete(g.parts, p.n)
			all = append(all, mark{p, p.reached()})
		}
	}
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := g.bus.release(ctx, all)
	for err != nil && pause(ctx, 100*time.Millisecond) {
		err = g.bus.release(ctx, all)
	}
	if err != nil {
		g.logger.WarnContext(ctx, "partitions could not be given back; others take them when the lease ends", slog.Any("error", err))
	}
}

// release gives partitions back, with their checkpoints.
func (b *Bus) release(ctx context.Context, all []mark) error {
	groups, numbers, epochs, positions := marks(all)
	_, err := b.config.Pool.Exec(ctx, `UPDATE bus_partitions p SET position = greatest(p.position, m.position), owner = NULL, epoch = p.epoch + 1
		FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) m(group_name, partition, epoch, position)
		WHERE p.group_name = m.group_name AND p.partition = m.partition AND p.epoch = m.epoch`, groups, numbers, epochs, positions)
	return errors.Join(err, b.tell(ctx))
}

// tell has all processes look at their shares.
func (b *Bus) tell(ctx context.Context) error {
	_, err := b.config.Pool.Exec(ctx, `SELECT pg_notify($1, '')`, Channel)
	return err
}
