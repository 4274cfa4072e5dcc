package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
)

// Channel is where an erasure is notified, with Erasure as JSON payload. Each
// process passes what it hears there to Forget.
const Channel = "subject_erased"

// Erasure names an erased person.
type Erasure struct {
	Account es.ID `json:"account"`
	Subject es.ID `json:"subject"`
}

// Receipt says that a person was erased. It holds nothing about them but ids.
type Receipt struct {
	Erasure
	ErasedAt time.Time `json:"erased_at"`
	// Claims is how many personal claims, such as that of an e-mail address,
	// this erasure removed.
	Claims int64 `json:"claims"`
	// Repeat says that the person had been erased before, at ErasedAt.
	Repeat bool `json:"repeat,omitempty"`
}

// Erase destroys a person's key: their personal fields read as erased from now
// on, here at once and elsewhere once the notification or Config.Fresh has
// passed. Personal claims of their aggregate go too. A person without a key is
// fenced all the same: none can be made later. Erasing again changes nothing
// but removes claims that were left. While a legal hold of the account is in
// force it is refused (es.Conflict, "legal_hold").
func (v *Vault) Erase(ctx context.Context, account, subject es.ID) (Receipt, error) {
	r := Receipt{Erasure: Erasure{Account: account, Subject: subject}}
	payload, err := json.Marshal(r.Erasure)
	if err != nil {
		return Receipt{}, fmt.Errorf("erasing a subject: %w", err)
	}
	err = pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO subject_keys AS k (account_id, subject, state, erased_at)
			VALUES ($1, $2, 'erased', now())
			ON CONFLICT (account_id, subject) DO UPDATE
			SET state = 'erased', master = NULL, wrapped = NULL, erased_at = now()
			WHERE k.state = 'active'`, account, subject)
		if err != nil {
			return err
		}
		r.Repeat = tag.RowsAffected() == 0
		if err := tx.QueryRow(ctx, `SELECT erased_at FROM subject_keys WHERE account_id = $1 AND subject = $2`,
			account, subject).Scan(&r.ErasedAt); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT drop_personal_claims($1, $2, $3)`, account, subject, v.scopes).Scan(&r.Claims); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `SELECT pg_notify($1, $2)`, Channel, string(payload))
		return err
	})
	if postgres.IsHeld(err) {
		return Receipt{}, es.Refuse(es.Conflict, "legal_hold", "A legal hold of the account is in force.")
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("erasing subject %s: %w", subject, err)
	}
	v.cache.drop(account, subject)
	return r, nil
}

// Subjects lists up to limit of an account's subjects that are not erased, after
// one, in order of their ids.
func (v *Vault) Subjects(ctx context.Context, account, after es.ID, limit int) ([]es.ID, error) {
	rows, err := v.pool.Query(ctx, `SELECT subject FROM subject_keys
		WHERE account_id = $1 AND subject > $2 AND state = 'active' ORDER BY subject LIMIT $3`, account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("listing the subjects of account %s: %w", account, err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[es.ID])
}

// Unerased gives those of the persons who are not erased here, as after the
// restore of a backup.
func (v *Vault) Unerased(ctx context.Context, persons []Erasure) ([]Erasure, error) {
	accounts, subjects := make([]es.ID, len(persons)), make([]es.ID, len(persons))
	for i, p := range persons {
		accounts[i], subjects[i] = p.Account, p.Subject
	}
	rows, err := v.pool.Query(ctx, `SELECT p.account_id, p.subject
		FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY p(account_id, subject, place)
		LEFT JOIN subject_keys k ON k.account_id = p.account_id AND k.subject = p.subject AND k.state = 'erased'
		WHERE k.subject IS NULL ORDER BY p.place`, accounts, subjects)
	if err != nil {
		return nil, fmt.Errorf("asking who is erased: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Erasure])
}

// Forget drops a person's key from memory: call it with the payload of each
// notification on Channel. A payload of another form drops nothing.
func (v *Vault) Forget(payload string) (Erasure, error) {
	var e Erasure
	if err := json.Unmarshal([]byte(payload), &e); err != nil || e.Subject == uuid.Nil {
		return Erasure{}, fmt.Errorf("not a notification of %s", Channel)
	}
	v.cache.drop(e.Account, e.Subject)
	return e, nil
}
