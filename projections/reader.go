package projections

import "github.com/jackc/pgx/v5/pgxpool"

// Reader reads what projections wrote, for one account at a time, as the
// application's role. It is safe for concurrent use.
type Reader struct {
	pool     *pgxpool.Pool
	progress *Progress
}

// NewReader makes a reader over the pool of the role igny8_app. progress is the
// one of this process's Runner, or nil when none runs here.
func NewReader(pool *pgxpool.Pool, progress *Progress) *Reader {
	return &Reader{pool: pool, progress: progress}
}

// Progress is how far this process's runner has brought each projection.
type Progress struct{}
