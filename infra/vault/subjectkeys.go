package vault

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
)

// keys gives the subjects' keys with one query for those that are not cached.
// A subject without a row, or erased, has a nil key.
func (v *Vault) keys(ctx context.Context, account es.ID, subjects []es.ID) (map[es.ID]*subjectKey, error) {
	have, lack, mark := v.cache.get(account, subjects)
	if len(lack) == 0 {
		return have, nil
	}
	rows, err := v.pool.Query(ctx, selectKeys, account, lack)
	if err != nil {
		return nil, fmt.Errorf("reading subject keys: %w", err)
	}
	read, err := v.unwrap(account, rows)
	if err != nil {
		return nil, err
	}
	v.cache.put(account, read, mark)
	for s, key := range read {
		have[s] = key
	}
	return have, nil
}

// sealingKeys is keys, and makes the keys of subjects that have no row. The
// insert meets an erased subject's row, and then that is the answer.
func (v *Vault) sealingKeys(ctx context.Context, account es.ID, subjects []es.ID) (map[es.ID]*subjectKey, error) {
	have, lack, mark := v.cache.get(account, subjects)
	if len(lack) == 0 {
		return have, nil
	}
	masters, wrapped := make([]string, len(lack)), make([][]byte, len(lack))
	for i, s := range lack {
		masters[i], wrapped[i] = v.master.Wrap(randomKey(), keyPurpose(account, s))
	}
	var batch pgx.Batch
	batch.Queue(`INSERT INTO subject_keys (account_id, subject, master, wrapped)
		SELECT $1, n.subject, n.master, n.wrapped
		FROM unnest($2::uuid[], $3::text[], $4::bytea[]) AS n (subject, master, wrapped)
		ORDER BY n.subject
		ON CONFLICT (account_id, subject) DO NOTHING`, account, lack, masters, wrapped)
	batch.Queue(selectKeys, account, lack)
	results := v.pool.SendBatch(ctx, &batch)
	defer results.Close() //nolint:errcheck // errors of its statements come back below.
	if _, err := results.Exec(); err != nil {
		return nil, fmt.Errorf("making subject keys: %w", err)
	}
	rows, err := results.Query()
	if err != nil {
		return nil, fmt.Errorf("reading subject keys: %w", err)
	}
	read, err := v.unwrap(account, rows)
	if err != nil {
		return nil, err
	}
	if err := results.Close(); err != nil {
		return nil, fmt.Errorf("making subject keys: %w", err)
	}
	v.cache.put(account, read, mark)
	for s, key := range read {
		have[s] = key
	}
	return have, nil
}

const selectKeys = `SELECT subject, coalesce(master, ''), wrapped FROM subject_keys
	WHERE account_id = $1 AND subject = ANY($2::uuid[])`

func (v *Vault) unwrap(account es.ID, rows pgx.Rows) (map[es.ID]*subjectKey, error) {
	keys := map[es.ID]*subjectKey{}
	var (
		subject es.ID
		master  string
		wrapped []byte
	)
	_, err := pgx.ForEachRow(rows, []any{&subject, &master, &wrapped}, func() error {
		if wrapped == nil {
			keys[subject] = nil
			return nil
		}
		raw, err := v.master.Unwrap(master, wrapped, keyPurpose(account, subject))
		if err != nil {
			return err
		}
		aead, err := newAEAD(raw)
		if err != nil {
			return err
		}
		keys[subject] = &subjectKey{aead: aead}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading subject keys: %w", err)
	}
	return keys, nil
}

// keyPurpose binds a wrapped key to its row.
func keyPurpose(account, subject es.ID) []byte {
	return fmt.Appendf(nil, "subject key %s %s", account, subject)
}
