package table

import (
	"context"
	"math"
	"strconv"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
	"github.com/jackc/pgx/v5"
)

func (t *Table[R]) reading(scope Scope, q Query) projections.Read {
	return projections.Read{Account: scope.Account, Uses: []projections.Key{t.Key()}, AtLeast: q.AtLeast, Wait: q.Wait}
}

func (t *Table[R]) list(ctx context.Context, r *projections.Reader, scope Scope, q Query) (Page[R], error) {
	page := Page[R]{Rows: []R{}, Number: max(1, q.Page), Size: q.PageSize}
	if page.Size <= 0 {
		page.Size = defaultPageSize
	}
	page.Size = min(page.Size, maxPageSize)
	s := t.scoped(scope, q.Deleted)
	if err := t.filtered(s, q); err != nil {
		return Page[R]{}, err
	}
	if q.Keyset {
		return t.keyset(ctx, r, scope, q, s, page)
	}
	return t.numbered(ctx, r, scope, q, s, page)
}

// numbered reads a page by its number, and counts.
func (t *Table[R]) numbered(ctx context.Context, r *projections.Reader, scope Scope, q Query, s *statement, page Page[R]) (Page[R], error) {
	if int64(page.Number) > math.MaxInt64/maxPageSize {
		return Page[R]{}, errInvalidPage()
	}
	sql := t.paging(s, q, page)
	count, err := int64(0), error(nil)
	page.Position, err = r.Query(ctx, t.reading(scope, q), sql, s.args, func(rows pgx.Rows) error {
		var row R
		if len(page.Rows) == 0 {
			if err := projections.ScanColumn(rows, projections.FirstColumn, &count); err != nil {
				return err
			}
		}
		if err := t.scan(rows, projections.FirstColumn+1, &row); err != nil {
			return err
		}
		page.Rows = append(page.Rows, row)
		return nil
	})
	switch {
	case err != nil:
		return Page[R]{}, err
	case len(page.Rows) == 0 && page.Number > 1:
		return Page[R]{}, errInvalidPage()
	}
	page.Count = &count
	page.HasPrevious = page.Number > 1
	page.HasNext = int64(page.Number)*int64(page.Size) < count
	return page, nil
}

// paging is the statement of a numbered page: the count of all before each row.
// The size stands in the text and the first page has no offset: with arguments
// there Postgres would plan each time anew.
func (t *Table[R]) paging(s *statement, q Query, page Page[R]) string {
	conditions := s.conditions()
	rows := t.selecting("") + conditions + orderBy(t.order(q), false) + " LIMIT " + strconv.Itoa(page.Size)
	if page.Number > 1 {
		rows += " OFFSET " + s.arg(int64(page.Number-1)*int64(page.Size))
	}
	return "SELECT (SELECT count(*) FROM " + t.name + conditions + ") AS n, r.* FROM (" + rows + ") r"
}

func errInvalidPage() error { return es.Refuse(es.NotFound, "invalid_page", "There is no such page.") }

func (t *Table[R]) get(ctx context.Context, r *projections.Reader, scope Scope, id es.ID, q Query) (row R, at int64, err error) {
	s := t.scoped(scope, q.Deleted)
	v, err := t.find("id").parse(id.String())
	if err != nil {
		return row, 0, err
	}
	s.and("id = " + s.arg(v))
	found := false
	at, err = r.Query(ctx, t.reading(scope, q), t.selecting("")+s.conditions(), s.args, func(rows pgx.Rows) error {
		found = true
		return t.scan(rows, projections.FirstColumn, &row)
	})
	if err == nil && !found {
		err = es.Refuse(es.NotFound, "", "There is no such resource.")
	}
	return row, at, err
}

func (t *Table[R]) open(ctx context.Context, o projections.Opener, account es.ID, rows []*R) error {
	var fields []*es.Personal
	for _, row := range rows {
		es.EachPersonal(row, func(_ string, p *es.Personal) {
			if p.Token() != "" {
				fields = append(fields, p)
			}
		})
	}
	if len(fields) == 0 {
		return nil
	}
	return o.OpenFields(ctx, account, fields)
}
