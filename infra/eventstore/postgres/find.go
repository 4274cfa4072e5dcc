package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

var _ commands.CommandFinder = (*Store)(nil)

// lookedFor is how many events of a command are looked for at a time: most
// commands write one or two.
const lookedFor = 4

const findEvents = `SELECT l.command_id, count(*), max(l.revision) FROM unnest($4::uuid[]) f(id)
CROSS JOIN LATERAL (
	SELECT * FROM event_log l WHERE l.id = f.id AND l.account_id = $1 AND l.kind = $2 AND l.stream_id = $3 OFFSET 0
) l GROUP BY l.command_id`

// RevisionsOf gives the last revision that each of the commands wrote. It looks
// for the ids that their events would have.
func (s *Store) RevisionsOf(ctx context.Context, stream es.StreamID, commands []es.ID) (map[es.ID]int64, error) {
	revisions := map[es.ID]int64{}
	for from := 0; len(commands) > 0; from += lookedFor {
		ids := make([]es.ID, 0, len(commands)*lookedFor)
		for _, command := range commands {
			for n := range lookedFor {
				ids = append(ids, es.EventID(command, from+n))
			}
		}
		var more []es.ID
		err := retried(ctx, func() error {
			more = nil
			rows, err := s.pool.Query(ctx, findEvents, stream.Account, stream.Kind, stream.ID, ids)
			if err != nil {
				return err
			}
			var command es.ID
			var found int
			var last int64
			_, err = pgx.ForEachRow(rows, []any{&command, &found, &last}, func() error {
				revisions[command] = last
				if found == lookedFor {
					more = append(more, command)
				}
				return nil
			})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find commands in %s: %w", stream, err)
		}
		commands = more
	}
	return revisions, nil
}
