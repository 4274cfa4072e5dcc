package projections

import (
	"context"
	"errors"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
)

// loadChunk is how many events go from reading to folding at once.
const loadChunk = 512

var errEnough = errors.New("the load ended")

// pour reads and decodes the streams beside the folding of them.
func (b *build) pour(ctx context.Context, tx pgx.Tx, loader Loader, streams Streams, through int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errEnough)
	chunks, ended := make(chan []Decoded, 4), make(chan error, 1)
	go func() {
		defer close(chunks)
		ended <- b.readStreams(ctx, streams, through, chunks)
	}()
	var chunk []Decoded
	var count int64
	next := func() (Decoded, bool, error) {
		if len(chunk) == 0 {
			count += loadChunk
			b.tell(Loading, count-loadChunk, 0)
			more := false
			if chunk, more = <-chunks; !more {
				return Decoded{}, false, <-ended
			}
		}
		e := chunk[0]
		chunk = chunk[1:]
		return e, true, e.err
	}
	return loader.Load(ctx, tx, next)
}

func (b *build) readStreams(ctx context.Context, streams Streams, through int64, chunks chan<- []Decoded) error {
	chunk := make([]Decoded, 0, loadChunk)
	send := func() error {
		if len(chunk) == 0 {
			return nil
		}
		select {
		case chunks <- chunk:
			chunk = make([]Decoded, 0, loadChunk)
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := streams.EachByStream(ctx, filterOf(b.projection), through, func(rec es.Recorded) error {
		chunk = append(chunk, decode(b.admin.Registry, rec))
		if len(chunk) < loadChunk {
			return nil
		}
		return send()
	})
	if err != nil {
		return err
	}
	return send()
}
