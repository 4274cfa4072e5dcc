package store

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// loseTaken stops the work in partitions that are no longer the member's.
func (b *Bus) loseTaken(me uuid.UUID, rows []row) {
	for _, r := range rows {
		g := b.group(r.group)
		if g == nil {
			continue
		}
		p := g.partition(r.n)
		if p != nil && (r.owner == nil || *r.owner != me || r.epoch > p.epoch) {
			g.logger.Warn("a partition was taken over while this process did not answer", slog.Int("partition", p.n))
			g.lose(p)
		}
	}
}

// balance gives back what is too much and takes what is missing. missed says
// that others took some of it first.
func (m *membership) balance(ctx context.Context, alive []member, rows []row) (missed bool, err error) {
	var claims []row
	for _, g := range m.bus.all() {
		here := func(r row) bool { p := g.partition(r.n); return p != nil && p.epoch == r.epoch }
		s := shareOf(m.id, g.name, alive, rows, here)
		if excess := s.excess(); len(excess) > 0 {
			g.giveBack(excess) //nolint:contextcheck // it goes on when the heartbeat is over.
		}
		claims = append(claims, s.wanted()...)
	}
	if len(claims) == 0 {
		return false, nil
	}
	taken, err := m.claim(ctx, claims)
	return taken < len(claims), err
}

// claim takes partitions whose epoch is still what it was, and begins to work in
// them.
func (m *membership) claim(ctx context.Context, claims []row) (taken int, err error) {
	var (
		groups  []string
		numbers []int32
		epochs  []int64
	)
	for _, r := range claims {
		groups, numbers, epochs = append(groups, r.group), append(numbers, int32(r.n)), append(epochs, r.epoch) //nolint:gosec // G115: small numbers.
	}
	rows, err := m.bus.config.Pool.Query(ctx, `UPDATE bus_partitions p SET owner = $1, epoch = p.epoch + 1
		FROM unnest($2::text[], $3::int[], $4::bigint[]) c(group_name, partition, epoch)
		WHERE p.group_name = c.group_name AND p.partition = c.partition AND p.epoch = c.epoch
		RETURNING p.group_name, p.partition, p.epoch, p.position`, m.id, groups, numbers, epochs)
	if err != nil {
		return 0, fmt.Errorf("taking partitions: %w", err)
	}
	var r row
	_, err = pgx.ForEachRow(rows, []any{&r.group, &r.n, &r.epoch, &r.position}, func() error {
		taken++
		if g := m.bus.group(r.group); g != nil {
			g.take(r.n, r.epoch, r.position)
		}
		return nil
	})
	if err != nil {
		return taken, fmt.Errorf("taking partitions: %w", err)
	}
	return taken, nil
}

// giveBack returns partitions, behind the caller's back: it may take a while.
func (g *group) giveBack(numbers []int) {
	var parts []*partition
	for _, n := range numbers {
		if p := g.partition(n); p != nil && p.leave() {
			parts = append(parts, p)
		}
	}
	if len(parts) > 0 {
		go g.giveUp(parts)
	}
}

// leave says, once, that the partition is to be given back.
func (p *partition) leave() bool {
	select {
	case <-p.stop:
		return false
	default:
		p.halt()
		return true
	}
}
