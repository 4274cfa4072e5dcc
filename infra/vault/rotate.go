package vault

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
)

// Rotation says what RotateMaster did.
type Rotation struct {
	// Master is the version that wraps now.
	Master string `json:"master"`
	// Subjects and Services are the keys that were wrapped anew.
	Subjects int `json:"subjects"`
	Services int `json:"services"`
	// Remaining is how many keys an older version still wraps: those made
	// meanwhile by a process that does not know the new version yet.
	Remaining int `json:"remaining"`
}

const rotateChunk = 500

// RotateMaster wraps every key anew with the master key's current version
// (MasterKey.AddVersion makes one). What the keys sealed stays as it is. It can
// be cut off anywhere and repeated; progress, when not nil, is told the number
// of keys done so far.
func (v *Vault) RotateMaster(ctx context.Context, progress func(done int)) (Rotation, error) {
	var r Rotation
	if progress == nil {
		progress = func(int) {}
	}
	for {
		r.Master = v.master.Current() // it may have met a newer one meanwhile
		n, err := v.rewrapSubjects(ctx, r.Master)
		if err != nil {
			return r, fmt.Errorf("rotating the master key: %w", err)
		}
		r.Subjects += n
		progress(r.Subjects)
		if n < rotateChunk {
			break
		}
	}
	var err error
	if r.Services, err = v.rewrapServices(ctx, r.Master); err != nil {
		return r, fmt.Errorf("rotating the master key: %w", err)
	}
	progress(r.Subjects + r.Services)
	err = v.pool.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM subject_keys WHERE state = 'active' AND master <> $1)
		+ (SELECT count(*) FROM service_keys WHERE master <> $1)`, r.Master).Scan(&r.Remaining)
	if err != nil {
		return r, fmt.Errorf("rotating the master key: %w", err)
	}
	return r, nil
}

func (v *Vault) rewrapSubjects(ctx context.Context, current string) (n int, err error) {
	err = pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT account_id, subject, master, wrapped FROM subject_keys
			WHERE state = 'active' AND master <> $1 LIMIT $2 FOR UPDATE`, current, rotateChunk)
		if err != nil {
			return err
		}
		var (
			accounts, subjects []es.ID
			masters            []string
			wraps              [][]byte
			account, subject   es.ID
			master             string
			wrapped            []byte
		)
		if _, err := pgx.ForEachRow(rows, []any{&account, &subject, &master, &wrapped}, func() error {
			id, again, err := v.rewrap(master, wrapped, keyPurpose(account, subject))
			accounts, subjects = append(accounts, account), append(subjects, subject)
			masters, wraps = append(masters, id), append(wraps, again)
			return err
		}); err != nil {
			return err
		}
		n = len(subjects)
		_, err = tx.Exec(ctx, `UPDATE subject_keys k SET master = n.master, wrapped = n.wrapped
			FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[]) AS n (account_id, subject, master, wrapped)
			WHERE k.account_id = n.account_id AND k.subject = n.subject`, accounts, subjects, masters, wraps)
		return err
	})
	return n, err
}

func (v *Vault) rewrapServices(ctx context.Context, current string) (n int, err error) {
	err = pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT purpose, id, master, wrapped FROM service_keys WHERE master <> $1 FOR UPDATE`, current)
		if err != nil {
			return err
		}
		var batch pgx.Batch
		var purpose, id, master string
		var wrapped []byte
		if _, err := pgx.ForEachRow(rows, []any{&purpose, &id, &master, &wrapped}, func() error {
			version, again, err := v.rewrap(master, wrapped, servicePurpose(purpose, id))
			batch.Queue(`UPDATE service_keys SET master = $3, wrapped = $4 WHERE purpose = $1 AND id = $2`, purpose, id, version, again)
			return err
		}); err != nil {
			return err
		}
		n = batch.Len()
		return tx.SendBatch(ctx, &batch).Close()
	})
	return n, err
}

func (v *Vault) rewrap(master string, wrapped, purpose []byte) (id string, again []byte, err error) {
	key, err := v.master.Unwrap(master, wrapped, purpose)
	if err != nil {
		return "", nil, err
	}
	id, again = v.master.Wrap(key, purpose)
	return id, again, nil
}
