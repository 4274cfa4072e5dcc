package vault

import (
	"container/list"
	"crypto/cipher"
	"sync"
	"time"

	"github.com/igny8/igny8/domain/es"
)

type subjectID struct{ account, subject es.ID }

// subjectKey is a subject's unwrapped key; a nil one is erased.
type subjectKey struct{ aead cipher.AEAD }

// cache is a bounded LRU of unwrapped keys that are read again after a while.
type cache struct {
	size  int
	fresh time.Duration
	clock func() time.Time

	mu    sync.Mutex
	order *list.List // of *cached, the last used first
	items map[subjectID]*list.Element
	drops int64
}

type cached struct {
	id    subjectID
	key   *subjectKey
	until time.Time
}

func newCache(size int, fresh time.Duration, clock func() time.Time) *cache {
	return &cache{size: size, fresh: fresh, clock: clock, order: list.New(), items: map[subjectID]*list.Element{}}
}

// get gives the keys it has, which of them it lacks, and a mark for put.
func (c *cache) get(account es.ID, subjects []es.ID) (have map[es.ID]*subjectKey, lack []es.ID, mark int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock()
	have = make(map[es.ID]*subjectKey, len(subjects))
	for _, s := range subjects {
		if at, ok := c.items[subjectID{account, s}]; ok {
			if item, _ := at.Value.(*cached); now.Before(item.until) {
				c.order.MoveToFront(at)
				have[s] = item.key
				continue
			}
			c.remove(at)
		}
		lack = append(lack, s)
	}
	return have, lack, c.drops
}

// put keeps keys that were read since mark was given; they are not kept if a
// key was dropped meanwhile, because it may be one of them.
func (c *cache) put(account es.ID, keys map[es.ID]*subjectKey, mark int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != mark {
		return
	}
	until := c.clock().Add(c.fresh)
	for s, key := range keys {
		id := subjectID{account, s}
		if at, ok := c.items[id]; ok {
			c.remove(at)
		}
		c.items[id] = c.order.PushFront(&cached{id: id, key: key, until: until})
	}
	for c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

func (c *cache) drop(account, subject es.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	if at, ok := c.items[subjectID{account, subject}]; ok {
		c.remove(at)
	}
}

func (c *cache) remove(at *list.Element) {
	if item, ok := c.order.Remove(at).(*cached); ok {
		delete(c.items, item.id)
	}
}
