package postgres

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
)

const (
	selectHead = "SELECT pos FROM event_head"
	// window is how many positions a read looks at that no index helps.
	window = 50_000
)

// where is a condition on event_log l, with its arguments.
type where struct {
	strings.Builder
	args []any
}

// and adds a condition whose verb %d is the number of its argument.
func (w *where) and(condition string, arg any) {
	if w.Len() > 0 {
		w.WriteString(" AND ")
	}
	w.args = append(w.args, arg)
	fmt.Fprintf(&w.Builder, condition, len(w.args))
}

func (w *where) filter(f es.Filter) {
	if f.Account != (es.ID{}) {
		w.and("l.account_id = $%d", f.Account)
	}
	for _, id := range []struct {
		condition string
		id        es.ID
	}{
		{"l.site_id = $%d", f.Site},
		{"l.sector_id = $%d", f.Sector},
		{"l.stream_id = $%d", f.Aggregate},
		{"l.correlation_id = $%d", f.Correlation},
	} {
		if id.id != (es.ID{}) {
			w.and(id.condition, id.id)
		}
	}
	for _, text := range [][2]string{{"l.kind = $%d", f.Kind}, {"l.actor = $%d", f.Actor.String()}, {"l.request_id = $%d", f.Request}} {
		if text[1] != "" {
			w.and(text[0], text[1])
		}
	}
	if !f.Since.IsZero() {
		w.and("l.recorded_at >= $%d", f.Since)
	}
	if !f.Until.IsZero() {
		w.and("l.recorded_at < $%d", f.Until)
	}
	if len(f.Types) > 0 {
		var literal, prefixes []string
		for _, t := range f.Types {
			if prefix, ok := strings.CutSuffix(t, "*"); ok {
				prefixes = append(prefixes, prefix)
			} else {
				literal = append(literal, t)
			}
		}
		w.and("(l.type = ANY ($%d)", literal)
		w.args = append(w.args, prefixes)
		fmt.Fprintf(&w.Builder, " OR l.type ^@ ANY ($%d))", len(w.args))
	}
}

// pageQuery is one read of the log by position.
type pageQuery struct {
	where
	after  int64
	limit  int
	filter es.Filter
	picks  int // conditions of the filter
}

func newPageQuery(after int64, filter es.Filter, limit int) *pageQuery {
	q := &pageQuery{after: max(after, 0), limit: max(limit, 0), filter: filter}
	q.and("l.pos > $%d", q.after)
	q.where.filter(filter)
	q.picks = len(q.args) - 1
	if q.windowed() {
		q.and("l.pos <= $%d", q.after+window)
	}
	return q
}

func (q *pageQuery) filtered() bool { return q.picks > 0 }

// windowed says that no index leads to what the filter picks: only that of an
// account's events does.
func (q *pageQuery) windowed() bool {
	return q.picks > 1 || q.filtered() && q.filter.Account == es.ID{}
}

// queue adds the read to a batch, which fills page. The head is read before the
// events: all up to that head are in the events' snapshot, and so is all in
// front of the last event, because positions are in commit order.
func (q *pageQuery) queue(batch *pgx.Batch, page *es.Page) {
	*page = es.Page{Through: q.after}
	if q.filtered() {
		batch.Queue(selectHead).QueryRow(func(row pgx.Row) error {
			var head int64
			err := row.Scan(&head)
			if q.windowed() {
				head = min(head, q.after+window)
			}
			page.Through = max(page.Through, head)
			return err
		})
	}
	sql := "SELECT " + eventColumns + " FROM event_log l WHERE " + q.String() + " ORDER BY l.pos LIMIT " + fmt.Sprint(q.limit)
	batch.Queue(sql, q.args...).Query(func(rows pgx.Rows) error {
		err := newDecoder().each(rows, func(e es.Recorded) error {
			page.Events = append(page.Events, e)
			return nil
		})
		if n := len(page.Events); n > 0 && n == q.limit {
			page.Through = page.Events[n-1].Position
		} else if n > 0 {
			page.Through = max(page.Through, page.Events[n-1].Position)
		}
		return err
	})
}
