package planner

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/projections"
)

// Sectors reads the keywords of a whole sector or cluster, for those who work on
// all of them.
type Sectors struct{ reader *projections.Reader }

// NewSectors reads the table of keywords.
func NewSectors(r *projections.Reader) Sectors { return Sectors{reader: r} }

// Keywords are the sector's live ones by id, as of a position at least. Errors:
// es.Unavailable when the table does not reach it in time.
func (s Sectors) Keywords(ctx context.Context, t es.Tenant, atLeast int64) ([]planner.SectorKeyword, error) {
	var all []planner.SectorKeyword
	_, err := s.reader.Query(ctx, s.read(t.Account, atLeast), fmt.Sprintf(`
		SELECT id, coalesce(cluster_id, '00000000-0000-0000-0000-000000000000'), keyword, coalesce(volume, 0), intent_source IS NOT NULL, disabled
		FROM %s WHERE account_id = $1 AND site_id = $2 AND sector_id = $3 AND deleted_at IS NULL ORDER BY id`, Keywords().Key().Table()),
		[]any{t.Account, t.Site, t.Sector},
		func(rows pgx.Rows) error {
			var k planner.SectorKeyword
			targets := make([]any, len(rows.RawValues()))
			copy(targets[projections.FirstColumn:], []any{&k.ID, &k.Cluster, &k.Text, &k.Volume, &k.HasIntent, &k.Disabled})
			err := rows.Scan(targets...)
			all = append(all, k)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("reading a sector's keywords: %w", err)
	}
	return all, nil
}

// Members are the live keywords of a cluster by id, as of a position at least.
// Errors: as Keywords.
func (s Sectors) Members(ctx context.Context, account, cluster es.ID, atLeast int64) ([]es.ID, error) {
	var ids []es.ID
	_, err := s.reader.Query(ctx, s.read(account, atLeast), fmt.Sprintf(
		`SELECT id FROM %s WHERE account_id = $1 AND cluster_id = $2 AND deleted_at IS NULL ORDER BY id`, Keywords().Key().Table()),
		[]any{account, cluster},
		func(rows pgx.Rows) error {
			var id es.ID
			err := projections.ScanColumn(rows, projections.FirstColumn, &id)
			ids = append(ids, id)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("reading a cluster's keywords: %w", err)
	}
	return ids, nil
}

func (Sectors) read(account es.ID, atLeast int64) projections.Read {
	return projections.Read{Account: account, Uses: []projections.Key{Keywords().Key()}, AtLeast: atLeast, Wait: projections.MaxWait}
}
