// Command igny8 is the whole backend in one program: it serves the API, keeps
// the read models and is the tool of those who operate it. `igny8 --help` says
// what it can do.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() { os.Exit(start(allParts())) }

// start runs until it is done, or until SIGINT or SIGTERM asks it to finish
// what is in flight and stop. A second signal stops it at once.
func start(p parts) int {
	if os.Getenv("GOGC") == "" { // the heap is small: collecting it less often costs little memory and saves a quarter of the time.
		debug.SetGCPercent(400)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals // not left to the system: whoever started us may have had it ignored.
		os.Exit(exitFailed)
	}()
	return run(ctx, os.Args[1:], p, session{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(),
	})
}
