package postgres

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pollEvery is the safety net under notifications, which a dead connection or
// a proxy may swallow.
const pollEvery = time.Second

// ownChannel is where each batch of appends tells its last position.
const ownChannel = "event_log"

// tail knows the last position: from the notification that each batch sends,
// over one listening connection for all who wait.
type tail struct {
	config *pgx.ConnConfig
	read   func(context.Context) (int64, error)
	others map[string]func(payload string) // by channel
	closed chan struct{}
	once   sync.Once
	ended  sync.WaitGroup

	mu      sync.Mutex
	head    int64
	waiting int
	moved   chan struct{} // closed when head moves
}

func newTail(pool *pgxpool.Pool, read func(context.Context) (int64, error), others map[string]func(string)) *tail {
	config := pool.Config().ConnConfig.Copy()
	config.RuntimeParams["application_name"] = "listen " + config.RuntimeParams["application_name"]
	t := &tail{config: config, read: read, others: others, closed: make(chan struct{}), moved: make(chan struct{})}
	t.ended.Go(t.run)
	return t
}

func (t *tail) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var both sync.WaitGroup
	both.Go(func() { t.listen(ctx) })
	both.Go(func() { t.poll(ctx) })
	<-t.closed
	cancel()
	both.Wait()
}

func (t *tail) close() {
	t.once.Do(func() { close(t.closed) })
	t.ended.Wait()
}

func (t *tail) wait(ctx context.Context, after int64) (int64, error) {
	t.mu.Lock()
	t.waiting++
	defer func() {
		t.waiting--
		t.mu.Unlock()
	}()
	for t.head <= after {
		moved := t.moved
		t.mu.Unlock()
		select {
		case <-moved:
			t.mu.Lock()
		case <-ctx.Done():
			t.mu.Lock()
			return 0, ctx.Err()
		}
	}
	return t.head, nil
}

func (t *tail) advance(head int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if head > t.head {
		t.head = head
		close(t.moved)
		t.moved = make(chan struct{})
	}
}

func (t *tail) watched() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting > 0
}

// listen follows notifications, on a new connection after each that was lost.
func (t *tail) listen(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		if t.session(ctx) {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, longPause)
	}
}

// session listens until the connection fails; it says whether it ever stood.
func (t *tail) session(ctx context.Context) (stood bool) {
	conn, err := pgx.ConnectConfig(ctx, t.config)
	if err != nil {
		return false
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // it failed or is no longer needed
	}()
	// Listening begins before the head is read: what is committed in between
	// is in both, and nothing in neither.
	if _, err := conn.Exec(ctx, t.listens()); err != nil {
		return false
	}
	for _, missed := range t.others {
		missed("")
	}
	var head int64
	if err := conn.QueryRow(ctx, selectHead).Scan(&head); err != nil {
		return false
	}
	t.advance(head)
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true
		}
		if hear, ok := t.others[n.Channel]; ok {
			hear(n.Payload)
			continue
		}
		if head, err := strconv.ParseInt(n.Payload, 10, 64); err == nil {
			t.advance(head)
		}
	}
}

func (t *tail) listens() string {
	sql := "LISTEN " + ownChannel
	for channel := range t.others {
		sql += "; LISTEN " + pgx.Identifier{channel}.Sanitize()
	}
	return sql
}

func (t *tail) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !t.watched() {
			continue
		}
		if head, err := t.read(ctx); err == nil {
			t.advance(head)
		}
	}
}
