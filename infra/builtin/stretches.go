package builtin

import (
	"context"
	"runtime"
	"sync"
)

// inStretches does something for each of n, on GOMAXPROCS cores at most: each takes
// the next stretch of numbers. worker makes what one core does, with scratch of its
// own. progress is told how many were begun, from the caller's goroutine. It
// returns when no core works any more, with ctx's error if that ended it.
func inStretches(ctx context.Context, n int, progress func(done int), worker func() func(i int)) error {
	const stretch = 64
	next := make(chan int)
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 1+n/stretch) {
		group.Go(func() {
			do := worker()
			for from := range next {
				for i := from; i < min(from+stretch, n); i++ {
					do(i)
				}
			}
		})
	}
	for from := 0; from < n && ctx.Err() == nil; from += stretch {
		next <- from
		progress(from)
	}
	close(next)
	group.Wait()
	return ctx.Err()
}
