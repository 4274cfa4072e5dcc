package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/igny8/igny8/commands/retention"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/credentials"
	"github.com/igny8/igny8/infra/erasures"
	"github.com/igny8/igny8/infra/postgres"
	retentiontables "github.com/igny8/igny8/infra/retention"
	"github.com/igny8/igny8/infra/vault"
	retentionrows "github.com/igny8/igny8/projections/retention"
)

// blankPatience is how long a run waits for readers of the log; what they did not
// reach is left to the next run.
const blankPatience = 5 * time.Second

// legalHolds places legal holds, and says which are in force.
func (b *backend) legalHolds() tenancycommands.LegalHolds {
	return tenancycommands.LegalHolds{Bus: b.bus, Purges: retentiontables.NewPurges(b.Pool(postgres.RoleAppender))}
}

// held answers purges whether a legal hold is in force; none is where there is
// no account.
type held struct{ tenancycommands.LegalHolds }

// Held reads the account as it is now.
func (h held) Held(ctx context.Context, account es.ID) (bool, error) {
	hold, err := h.Of(ctx, account)
	if es.ClassOf(err) == es.NotFound {
		return false, nil
	}
	return hold != nil, err
}

// subjectKeys is the vault as an erasure asks it.
type subjectKeys struct{ *vault.Vault }

// Erase destroys a person's key.
func (k subjectKeys) Erase(ctx context.Context, account, subject es.ID) (time.Time, error) {
	r, err := k.Vault.Erase(ctx, account, subject)
	return r.ErasedAt, err
}

// Unerased picks the receipts whose persons the database does not know as erased.
func (k subjectKeys) Unerased(ctx context.Context, receipts []retention.Receipt) ([]retention.Receipt, error) {
	persons, known := make([]vault.Erasure, len(receipts)), make(map[vault.Erasure]retention.Receipt, len(receipts))
	for i, r := range receipts {
		persons[i] = vault.Erasure{Account: r.Account, Subject: r.Subject}
		known[persons[i]] = r
	}
	found, err := k.Vault.Unerased(ctx, persons)
	unerased := make([]retention.Receipt, len(found))
	for i, person := range found {
		unerased[i] = known[person]
	}
	return unerased, err
}

func (b *backend) erasure(log string) retention.Erasure {
	logins := b.Pool(postgres.RoleLogin)
	return retention.Erasure{
		Keys: subjectKeys{b.vault}, Receipts: erasures.New(log), Sessions: credentials.NewTokens(logins),
		Passwords: credentials.NewPasswords(logins, credentials.NewHasher(credentials.DefaultCost())),
	}
}

// reapplyErasures erases again who was erased before the database was restored
// from a backup.
func (b *backend) reapplyErasures(ctx context.Context, log string) error {
	erased, held, err := b.erasure(log).Reapply(ctx)
	if err != nil {
		return fmt.Errorf("applying the erasure log: %w", err)
	}
	if erased+held > 0 {
		b.logger.WarnContext(ctx, "the database did not know of erasures, as after the restore of a backup",
			slog.Int("erased_again", erased), slog.Int("kept_by_legal_hold", held))
	}
	return nil
}

func (s *service) sweep() retention.Sweep {
	return retention.Sweep{
		Bus: s.bus, Holds: held{s.legalHolds()}, Clock: time.Now, Logger: s.logger,
		List: retentiontables.NewList(s.Pool(postgres.RoleProjector), retentionrows.Due(nil).Key().Table()),
	}
}

func (s *service) blanking() retention.Blanking {
	erasure := s.erasure(s.config.ErasureLog)
	return retention.Blanking{
		Worklist: s.purges(), Holds: held{s.legalHolds()}, Store: s.store, Patience: blankPatience, Step: s.step,
		Readers: []retention.Readers{retentiontables.ReadModels{Admin: s.admin()}, s.consumers},
		FollowUps: map[string]retention.FollowUp{
			identity.UserKind.Name: erasure.Person, tenancy.AccountKind.Name: erasure.Account,
		},
	}
}

func (s *service) purges() *retentiontables.Worklist {
	return retentiontables.NewWorklist(s.Pool(postgres.RoleProjector), s.log, kinds(s.registry))
}

// purgesWaitTooLong is when purges that cannot be finished degrade a process.
const purgesWaitTooLong = 15 * time.Minute

// purgesGoOn says what purges wait for, save legal holds.
func (s *service) purgesGoOn(ctx context.Context) error {
	waiting, err := s.purges().Waiting(ctx)
	if err != nil {
		return err
	}
	var all []string
	for _, w := range waiting {
		if w.For != retention.OnHold && time.Since(w.Oldest) > purgesWaitTooLong {
			all = append(all, fmt.Sprintf("%d purges wait for %s", w.Count, w.For))
		}
	}
	if len(all) == 0 {
		return nil
	}
	return es.Refuse(es.Unavailable, "", "%s.", strings.Join(all, "; "))
}

func kinds(r *es.Registry) []es.AnyKind {
	names := r.Kinds()
	all := make([]es.AnyKind, len(names))
	for i, name := range names {
		all[i], _ = r.Kind(name)
	}
	return all
}
