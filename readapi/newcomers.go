package readapi

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// newcomerPatience is how long a stop waits for the first byte of a connection
// that sent none.
const newcomerPatience = 100 * time.Millisecond

// newcomers are connections that never sent a byte, such as those that browsers
// open ahead. http.Server.Shutdown waits 5 s for each of them.
type newcomers struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

// note is an http.Server's ConnState.
func (n *newcomers) note(c net.Conn, state http.ConnState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if state == http.StateNew {
		n.open[c] = struct{}{}
	} else {
		delete(n.open, c)
	}
}

// end closes them, after a moment in which their requests may still come.
func (n *newcomers) end() {
	time.Sleep(newcomerPatience)
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		_ = c.Close() // nothing was asked on it.
	}
}
