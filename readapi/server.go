package readapi

import (
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server is an http.Server for the API with bounds on what a slow or greedy
// client can hold: 64 KiB of headers in 5 s, idle connections for 2 min. Bodies
// are bounded by Options.BodyTimeout and MaxBody. Its Shutdown ends streams of
// server-sent events at once, and waits only a moment for connections on which
// nothing came yet.
func (a *API) Server(address string) *http.Server {
	fresh := &newcomers{open: map[net.Conn]struct{}{}}
	s := &http.Server{
		Addr: address, Handler: a, ConnState: fresh.note,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.logger.Handler(), slog.LevelWarn),
	}
	s.RegisterOnShutdown(a.open.end)
	s.RegisterOnShutdown(fresh.end)
	return s
}
