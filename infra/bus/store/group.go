package store

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/bus"
)

const (
	// page is how many events are read at once.
	page = 512
	// room is how many events wait in a partition before it gets no more: with
	// the last page it holds room+page at most.
	room = 256
	// roomBytes bounds the same in bytes of data.
	roomBytes = 4 << 20
	// gather is how long the partitions at one place wait for one of them that
	// is full, so that one read serves all; then they go on without it.
	gather = 20 * time.Millisecond
)

// group is a consumer group in this process: one reader of the log, and the
// partitions that are the process's share.
type group struct {
	bus        *Bus
	name       string
	types      []string
	partitions int
	logger     *slog.Logger

	subscribing sync.Mutex
	topics      map[string]chan *message.Message // nil until it is subscribed to
	missing     int

	cancel context.CancelFunc
	reader chan struct{} // closed when the reader ended
	bell   chan struct{} // rung when there may be something to read
	ending sync.Once
	gone   chan struct{}

	mu    sync.Mutex
	over  bool // no partition is taken any more
	parts map[int]*partition
	left  map[int]<-chan struct{} // when a partition's last worker here ends
}

// Subscriber is a group's; see bus.Subscribers. The group's partitions are made
// with the first subscriber ever and begin at the oldest event.
func (b *Bus) Subscriber(ctx context.Context, name string, topics, types []string) (message.Subscriber, error) {
	g := &group{
		bus: b, name: name, types: types, logger: b.config.Logger.With(slog.String("group", name)),
		topics: map[string]chan *message.Message{}, missing: len(topics), reader: make(chan struct{}),
		bell: make(chan struct{}, 1), gone: make(chan struct{}),
		parts: map[int]*partition{}, left: map[int]<-chan struct{}{},
	}
	for _, topic := range topics {
		g.topics[topic] = nil
	}
	err := b.config.Pool.QueryRow(ctx, `WITH made AS (
			INSERT INTO bus_groups (name, partitions) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = excluded.name
			RETURNING name, partitions
		), parts AS (
			INSERT INTO bus_partitions (group_name, partition) SELECT name, n FROM made, generate_series(0, partitions - 1) n
			ON CONFLICT DO NOTHING
		) SELECT partitions FROM made`, name, b.config.Partitions).Scan(&g.partitions)
	if err != nil {
		return nil, fmt.Errorf("partitions of group %s: %w", name, err)
	}
	return g, nil
}

// Subscribe gives the messages of one of the group's topics, until ctx ends or
// Close. The first come once all topics are subscribed to.
func (g *group) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	g.subscribing.Lock()
	defer g.subscribing.Unlock()
	if taken, known := g.topics[topic]; !known || taken != nil {
		return nil, fmt.Errorf("group %s: the topic %s is not to be subscribed to, or twice", g.name, topic)
	}
	if g.ended() {
		return nil, errClosed
	}
	messages := make(chan *message.Message)
	g.topics[topic] = messages
	context.AfterFunc(ctx, g.end)
	if g.missing--; g.missing > 0 {
		return messages, nil
	}
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g.cancel = cancel
	if err := g.bus.add(g); err != nil { //nolint:contextcheck // the process's loops outlive the subscription.
		cancel()
		return nil, err
	}
	go g.read(reading)
	return messages, nil
}

// Close ends the group in this process; its partitions go to others.
func (g *group) Close() error {
	g.end()
	return nil
}

// end gives the partitions back once their messages in flight are done, and
// closes the channels.
func (g *group) end() {
	g.ending.Do(func() {
		defer close(g.gone)
		g.subscribing.Lock()
		defer g.subscribing.Unlock()
		g.mu.Lock()
		g.over = true
		g.mu.Unlock()
		if g.cancel != nil {
			g.cancel()
			<-g.reader
			g.bus.remove(g)
			g.giveUp(g.owned())
			for _, done := range g.left {
				<-done
			}
		}
		for _, messages := range g.topics {
			if messages != nil {
				close(messages)
			}
		}
	})
	<-g.gone
}

func (g *group) ended() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over
}

// partitionOf is where the events of an aggregate go.
func (g *group) partitionOf(id es.ID) int { return PartitionOf(id, g.partitions) }

// PartitionOf is the partition, of so many, of an aggregate.
func PartitionOf(id es.ID, partitions int) int {
	h := fnv.New32a()
	_, _ = h.Write(id[:])
	return int(h.Sum32() % uint32(partitions)) //nolint:gosec // G115: a small positive number.
}

// read feeds the partitions until ctx ends.
func (g *group) read(ctx context.Context) {
	defer close(g.reader)
	for ctx.Err() == nil {
		from, behind, full := g.next()
		if !behind {
			select {
			case <-g.bell:
			case <-ctx.Done():
			}
			continue
		}
		if full != nil {
			g.waitForRoom(ctx, full)
		}
		read, err := g.bus.config.Log.Read(ctx, from, es.Filter{Types: g.types}, page)
		if err != nil {
			if ctx.Err() == nil {
				g.logger.WarnContext(ctx, "reading the log failed and is tried again", slog.Any("error", err))
				pause(ctx, 200*time.Millisecond)
			}
			continue
		}
		g.feed(from, read)
	}
}

// next picks where to read on: at the partition, among those behind the head
// with room for more, that was fed least recently. full is one at the same place
// that has no room.
func (g *group) next() (from int64, behind bool, full *partition) {
	head := g.bus.head.Load()
	g.mu.Lock()
	defer g.mu.Unlock()
	var (
		oldest  time.Time
		crowded []*partition
	)
	for _, p := range g.parts {
		read, fed, hungry := p.place()
		switch {
		case read >= head:
		case !hungry:
			crowded = append(crowded, p)
		case !behind || fed.Before(oldest):
			from, oldest, behind = read, fed, true
		}
	}
	for _, p := range crowded {
		if read, _, _ := p.place(); read == from {
			full = p
		}
	}
	return from, behind, full
}

// waitForRoom lets a full partition make room, for a while.
func (g *group) waitForRoom(ctx context.Context, p *partition) {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for {
		if _, _, hungry := p.place(); hungry {
			return
		}
		select {
		case <-g.bell:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// feed hands what was read to the partitions it is new to.
func (g *group) feed(from int64, read es.Page) {
	shares := make(map[int][]es.Recorded, g.partitions)
	for _, rec := range read.Events {
		n := g.partitionOf(rec.Stream.ID)
		shares[n] = append(shares[n], rec)
	}
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for n, p := range g.parts {
		p.feed(from, read.Through, shares[n], now)
	}
}

// owned are the group's partitions in this process, in order.
func (g *group) owned() []*partition {
	g.mu.Lock()
	defer g.mu.Unlock()
	parts := make([]*partition, 0, len(g.parts))
	for _, p := range g.parts {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b *partition) int { return cmp.Compare(a.n, b.n) })
	return parts
}

func (g *group) partition(n int) *partition {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts[n]
}

// take begins to work in a partition, after whoever worked in it here before.
func (g *group) take(n int, epoch, position int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	p := newPartition(g, n, epoch, position)
	before := g.left[n]
	g.parts[n], g.left[n] = p, p.done
	go p.work(before)
	ring(g.bell)
}

// lose stops working in a partition that is somebody else's.
func (g *group) lose(p *partition) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.parts[p.n] == p {
		delete(g.parts, p.n)
	}
	p.abandon()
}

// send offers a message on its topic, and says whether it was taken before stop.
func (g *group) send(m *message.Message, eventType string, stop <-chan struct{}) bool {
	select {
	case g.topics[bus.Topic(eventType)] <- m:
		return true
	case <-stop:
		return false
	}
}
