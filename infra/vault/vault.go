// Package vault keeps personal fields sealed and the product's own keys
// wrapped. Each person (subject) has a key, a row of subject_keys wrapped by
// the master key; destroying it erases the person in every event, read model
// and backup, while every replay stays valid.
//
// It implements commands.Vault and projections.Opener.
package vault

import (
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config sets the pace of a Vault; the zero value is good.
type Config struct {
	// CachedKeys bounds the unwrapped subject keys in memory.
	CachedKeys int // default 10,000
	// Fresh is how long an unwrapped key serves before its row is read again:
	// the longest that another process can open what was erased, should its
	// notification (Channel) be lost.
	Fresh time.Duration // default 3 s
	Clock func() time.Time
	// PersonalScopes are the claim scopes of personal values (es.Unique.Scope
	// with Personal set), whose claims Erase removes.
	PersonalScopes []string
	// Log gets a warning when a sealed field was found where it does not
	// belong; never what it holds.
	Log *slog.Logger
}

// Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	pool   *pgxpool.Pool
	master *MasterKey
	cache  *cache
	scopes []string
	log    *slog.Logger

	service sync.Map // purpose -> []ServiceKey, for the keys that never change
	sorts   sync.Map // reflect.Type -> bool: has personal fields
}

// New makes a vault over a pool of the role igny8_appender, the only one with
// rights on keys.
func New(pool *pgxpool.Pool, master *MasterKey, c Config) *Vault {
	if c.CachedKeys == 0 {
		c.CachedKeys = 10_000
	}
	if c.Fresh == 0 {
		c.Fresh = 3 * time.Second
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Vault{
		pool: pool, master: master, scopes: c.PersonalScopes, log: c.Log,
		cache: newCache(c.CachedKeys, c.Fresh, c.Clock),
	}
}
