package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options say which database to open, and how.
type Options struct {
	// URL is the database's address for anybody; its user and password are
	// replaced by each role's.
	URL       string
	MasterKey []byte
	// Limits override DefaultLimits, role by role.
	Limits map[Role]Limits
	// Name is the application_name that the server's views show; "" is "igny8".
	Name string
}

// Limits bound what a role's connections may take from the server.
type Limits struct {
	Conns     int32         // at most so many connections
	Statement time.Duration // a statement's longest time; 0 is for ever
	LockWait  time.Duration // a statement's longest wait for a lock; 0 is for ever
	Idle      time.Duration // a transaction's longest idle time; 0 is for ever
}

// DefaultLimits are a role's limits in one process. Their connections sum to
// 50, so that one process is at home in the private server's 100.
func DefaultLimits(role Role) Limits {
	switch role {
	case RoleOwner:
		return Limits{Conns: 2, LockWait: 30 * time.Second}
	case RoleApp:
		return Limits{Conns: 16, Statement: 10 * time.Second, LockWait: 3 * time.Second, Idle: 30 * time.Second}
	case RoleAppender:
		return Limits{Conns: 4, Statement: 10 * time.Second, LockWait: 10 * time.Second, Idle: 10 * time.Second}
	case RoleProjector:
		return Limits{Conns: 20, Statement: 10 * time.Minute, LockWait: 30 * time.Second, Idle: 5 * time.Minute}
	case RoleLogin:
		return Limits{Conns: 6, Statement: 10 * time.Second, LockWait: 3 * time.Second, Idle: 30 * time.Second}
	case RolePlatform:
		return Limits{Conns: 2, Statement: 30 * time.Second, LockWait: 3 * time.Second, Idle: 30 * time.Second}
	}
	return Limits{}
}

// DB is one database, with a pool of connections for each role.
type DB struct {
	pools map[Role]*pgxpool.Pool
}

// Open checks the options and makes the pools. They connect when they are first
// used, so that a database that is down does not fail Open: Ping tells.
func Open(ctx context.Context, opts Options) (*DB, error) {
	db := &DB{pools: map[Role]*pgxpool.Pool{}}
	for _, role := range Roles() {
		pool, err := newPool(ctx, opts, role)
		if err != nil {
			db.Close()
			return nil, fmt.Errorf("pool of %s: %w", role, err)
		}
		db.pools[role] = pool
	}
	return db, nil
}

// Pool is the role's pool. It panics for a role that is not among Roles.
func (db *DB) Pool(role Role) *pgxpool.Pool {
	pool, ok := db.pools[role]
	if !ok {
		panic("postgres: no such role: " + string(role))
	}
	return pool
}

// Ping tells whether the database answers the application's role.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.Pool(RoleApp).Ping(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// Close waits until every connection is given back, and closes them.
func (db *DB) Close() {
	for _, pool := range db.pools {
		pool.Close()
	}
}

func newPool(ctx context.Context, opts Options, role Role) (*pgxpool.Pool, error) {
	url, err := RoleURL(opts.URL, opts.MasterKey, role)
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("address of the database: %w", err)
	}
	limits, ok := opts.Limits[role]
	if !ok {
		limits = DefaultLimits(role)
	}
	name := opts.Name
	if name == "" {
		name = "igny8"
	}
	config.MaxConns = limits.Conns
	config.MinConns, config.MinIdleConns = 0, 0
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = name
	params["timezone"] = "UTC"
	params["statement_timeout"] = milliseconds(limits.Statement)
	params["lock_timeout"] = milliseconds(limits.LockWait)
	params["idle_in_transaction_session_timeout"] = milliseconds(limits.Idle)
	if role == RoleApp { // a page and how far it is true come from one snapshot.
		params["default_transaction_isolation"] = "repeatable read"
	}
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		RegisterTypes(conn.TypeMap())
		return nil
	}
	return pgxpool.NewWithConfig(ctx, config)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
