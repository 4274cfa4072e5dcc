// Package retention is the read model of what is soft-deleted, and until when it
// is kept.
package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/projections"
)

// Projection has a row for each soft-deleted aggregate of any kind, until it is
// restored or purged.
type Projection struct{ projections.SQL }

// Due is the projection over the kinds that have a life cycle, of those given.
func Due(kinds []es.AnyKind) Projection {
	var types []string
	for _, kind := range kinds {
		if kind.EventSet().Lifecycle() {
			types = append(types, kind.TypeName(es.Deleted{}), kind.TypeName(es.Restored{}), kind.TypeName(es.Purged{}))
		}
	}
	return Projection{projections.SQL{
		Name: "retention_due", Version: 1, Types: types,
		DDL: `CREATE TABLE retention_due_v1 (
	account_id uuid NOT NULL,
	kind text COLLATE "C" NOT NULL,
	id uuid NOT NULL,
	purge_after timestamptz NOT NULL,
	deletion_id uuid NOT NULL,
	PRIMARY KEY (account_id, kind, id)
);
CREATE INDEX retention_due_v1_after ON retention_due_v1 (purge_after, account_id, kind, id)`,
		Func: fold,
	}}
}

// Shape is the table alone: a new kind brings no events that were not read.
func (p Projection) Shape() string { return p.DDL }

type key struct {
	account, id es.ID
	kind        string
}

func fold(ctx context.Context, tx pgx.Tx, events []projections.Decoded) error {
	last := map[key]*es.Deleted{}
	for _, e := range events {
		k := key{e.Stream.Account, e.Stream.ID, e.Stream.Kind}
		last[k] = nil
		if deleted, ok := e.Event.(es.Deleted); ok {
			last[k] = &deleted
		}
	}
	var gone, kept rows
	for k, deleted := range last {
		if deleted == nil {
			gone.add(k)
			continue
		}
		kept.add(k)
		kept.afters, kept.deletions = append(kept.afters, deleted.PurgeAfter), append(kept.deletions, deleted.DeletionID)
	}
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM retention_due_v1 d USING unnest($1::uuid[], $2::text[], $3::uuid[]) k(account_id, kind, id)
		WHERE d.account_id = k.account_id AND d.kind = k.kind AND d.id = k.id`, gone.accounts, gone.kinds, gone.ids)
	batch.Queue(`INSERT INTO retention_due_v1 (account_id, kind, id, purge_after, deletion_id)
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::uuid[])
		ON CONFLICT (account_id, kind, id) DO UPDATE SET purge_after = excluded.purge_after, deletion_id = excluded.deletion_id`,
		kept.accounts, kept.kinds, kept.ids, kept.afters, kept.deletions)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("writing what is to be purged: %w", err)
	}
	return nil
}

// rows are arguments for unnest.
type rows struct {
	accounts, ids, deletions []es.ID
	kinds                    []string
	afters                   []time.Time
}

func (r *rows) add(k key) {
	r.accounts, r.kinds, r.ids = append(r.accounts, k.account), append(r.kinds, k.kind), append(r.ids, k.id)
}
