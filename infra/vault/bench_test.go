package vault_test

import (
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/vault"
)

// BenchmarkOpenFields opens a page of 100 people with three fields each: with
// their keys in memory, and with one query for all of them.
func BenchmarkOpenFields(b *testing.B) {
	pool, err := pgxpool.New(b.Context(), pgtest.New(b).URL(postgres.RoleAppender))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	master, err := vault.OpenMasterKey(filepath.Join(b.TempDir(), "master.key"))
	if err != nil {
		b.Fatal(err)
	}
	v := vault.New(pool, master, vault.Config{})
	account := uuid.New()
	var tokens []string
	for range 100 {
		at := envelope(1)
		at.Stream.Account = account
		e := moved{Name: es.NewPersonal("Ada Lovelace"), Nick: es.NewPersonal("ada@example.org")}
		e.Address.City = es.NewPersonal("London")
		sealed := seal(b, v, at, e)
		tokens = append(tokens, sealed.Name.Token(), sealed.Nick.Token(), sealed.Address.City.Token())
	}
	page := func(b *testing.B, v *vault.Vault) {
		fields := make([]*es.Personal, len(tokens))
		for i, token := range tokens {
			fields[i] = &es.Personal{}
			fields[i].SetSealed(token)
		}
		if err := v.OpenFields(b.Context(), account, fields); err != nil || fields[0].String() != "Ada Lovelace" {
			b.Fatal(fields[0], err)
		}
	}
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			page(b, v)
		}
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			page(b, vault.New(pool, master, vault.Config{}))
		}
	})
}
