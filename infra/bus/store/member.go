package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/infra/postgres"
)

// lockName is the session lock that a member holds while its process lives.
func lockName(id uuid.UUID) string { return "bus member " + id.String() }

// belong makes the process a member, again under another id whenever its session
// was lost, until ctx ends.
func (b *Bus) belong(ctx context.Context) {
	for ctx.Err() == nil {
		if err := b.member(ctx); err != nil && ctx.Err() == nil {
			b.config.Logger.WarnContext(ctx, "consumers are not connected and try again", slog.Any("error", err))
			pause(ctx, 200*time.Millisecond)
		}
	}
}

// member is one membership: from taking the lock to its loss.
func (b *Bus) member(ctx context.Context) error {
	id := uuid.New()
	held, err := postgres.TryLock(ctx, b.config.Pool, lockName(id))
	if err != nil {
		return err
	}
	defer held.Release()
	living, end := context.WithCancel(ctx)
	defer end()
	watch := newWatch(b)
	watching := make(chan struct{})
	go func() { defer close(watching); watch.run(living) }()
	defer func() { end(); <-watching }()
	defer b.loseAll()
	m := &membership{bus: b, id: id, watch: watch}
	for {
		again := m.tick(ctx)
		timer := time.NewTimer(again)
		select {
		case <-timer.C:
		case <-b.bell:
		case <-held.Lost():
			timer.Stop()
			b.loseAll()
			m.leave() //nolint:contextcheck // also when ctx has ended.
			return fmt.Errorf("the session that holds the process's lock ended")
		case <-ctx.Done():
			timer.Stop()
			m.leave() //nolint:contextcheck // ctx has ended.
			return nil
		}
		timer.Stop()
	}
}

// loseAll stops all work: others may take the partitions at once.
func (b *Bus) loseAll() {
	b.leased.Store(nil)
	for _, g := range b.all() {
		for _, p := range g.owned() {
			g.lose(p)
		}
	}
}

// membership is the process as a member under one id.
type membership struct {
	bus    *Bus
	id     uuid.UUID
	watch  *watch
	joined bool
}

// view is what a heartbeat found.
type view struct {
	rejoined bool
	members  []member
	rows     []row
}

// tick is a heartbeat and a look at the shares. It says when to look again.
func (m *membership) tick(ctx context.Context) time.Duration {
	again, err := m.look(ctx)
	if err != nil {
		if ctx.Err() == nil {
			m.bus.config.Logger.WarnContext(ctx, "a heartbeat of the consumers failed and is tried again", slog.Any("error", err))
		}
		return 200 * time.Millisecond
	}
	return again
}

func (m *membership) look(ctx context.Context) (time.Duration, error) {
	b := m.bus
	beat := b.config.Lease / 3
	ctx, cancel := context.WithTimeout(ctx, b.config.Lease)
	defer cancel()
	sent := time.Now()
	v, err := m.beat(ctx)
	if err != nil {
		return 0, err
	}
	until := sent.Add(b.config.Lease)
	if v.rejoined {
		b.config.Logger.WarnContext(ctx, "this process did not answer for longer than its lease")
	}
	b.loseTaken(m.id, v.rows)
	b.leased.Store(&until)
	alive, dead := m.living(v.members)
	m.watch.next(m.id, alive)
	if err := b.bury(ctx, dead); err != nil {
		return 0, err
	}
	missed, err := m.balance(ctx, alive, v.rows)
	if err != nil {
		return 0, err
	}
	if err := b.save(ctx, true); err != nil {
		return 0, err
	}
	if err := b.replay(ctx); err != nil {
		return 0, err
	}
	if missed { // somebody was faster: look at what is left.
		return time.Millisecond, nil
	}
	for _, other := range alive { // a frozen one is taken over as soon as its lease ends.
		if other.id != m.id {
			beat = min(beat, max(other.left, time.Millisecond))
		}
	}
	return beat, nil
}

// beat tells that the process lives and reads what there is.
func (m *membership) beat(ctx context.Context) (v view, err error) {
	names := []string{}
	for _, g := range m.bus.all() {
		names = append(names, g.name)
	}
	batch := &pgx.Batch{}
	var inserted bool
	batch.Queue(`INSERT INTO bus_members AS m (id, groups, alive_until) VALUES ($1, $2, now() + $3::interval)
		ON CONFLICT (id) DO UPDATE SET groups = excluded.groups, alive_until = excluded.alive_until
		RETURNING xmax = 0`, m.id, names, m.bus.config.Lease).QueryRow(func(row pgx.Row) error { return row.Scan(&inserted) })
	batch.Queue(`SELECT id, groups, alive_until - now() FROM bus_members`).Query(func(rows pgx.Rows) (err error) {
		v.members, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (o member, err error) {
			err = r.Scan(&o.id, &o.groups, &o.left)
			return o, err
		})
		return err
	})
	batch.Queue(`SELECT group_name, partition, owner, epoch, position FROM bus_partitions WHERE group_name = ANY ($1)
		ORDER BY group_name, partition`, names).Query(func(rows pgx.Rows) (err error) {
		v.rows, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (p row, err error) {
			err = r.Scan(&p.group, &p.n, &p.owner, &p.epoch, &p.position)
			return p, err
		})
		return err
	})
	if err := m.bus.config.Pool.SendBatch(ctx, batch).Close(); err != nil {
		return view{}, fmt.Errorf("heartbeat: %w", err)
	}
	v.rejoined = inserted && m.joined
	m.joined = true
	if inserted {
		return v, m.bus.tell(ctx)
	}
	return v, nil
}

// living sorts out members whose lease or session ended.
func (m *membership) living(all []member) (alive []member, dead []uuid.UUID) {
	for _, o := range all {
		if o.id != m.id && (o.left <= 0 || m.watch.isDead(o.id)) {
			dead = append(dead, o.id)
		} else {
			alive = append(alive, o)
		}
	}
	return alive, dead
}

// bury removes members; those of them that only froze find out at their next
// heartbeat.
func (b *Bus) bury(ctx context.Context, dead []uuid.UUID) error {
	if len(dead) == 0 {
		return nil
	}
	tag, err := b.config.Pool.Exec(ctx, `DELETE FROM bus_members WHERE id = ANY ($1)`, dead)
	if err == nil && tag.RowsAffected() > 0 {
		b.config.Logger.InfoContext(ctx, "consumers that do not answer lose their partitions", slog.Int64("processes", tag.RowsAffected()))
		err = b.tell(ctx)
	}
	if err != nil {
		return fmt.Errorf("removing dead consumers: %w", err)
	}
	return nil
}

// leave removes the member, whose groups are gone by then.
func (m *membership) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_, err := m.bus.config.Pool.Exec(ctx, `DELETE FROM bus_members WHERE id = $1`, m.id)
	if err == nil {
		err = m.bus.tell(ctx)
	}
	if err != nil {
		m.bus.config.Logger.WarnContext(ctx, "leaving the consumers failed; others see it soon", slog.Any("error", err))
	}
}
