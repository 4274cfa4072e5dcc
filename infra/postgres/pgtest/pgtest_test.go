package pgtest_test

import (
	"testing"
	"time"

	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
)

func TestQuick(t *testing.T) {
	for range 5 {
		at := time.Now()
		db := pgtest.New(t)
		t.Log(time.Since(at))
		for _, r := range postgres.Roles() {
			var u string
			if err := db.Postgres.Pool(r).QueryRow(t.Context(), "select current_user").Scan(&u); err != nil || u != string(r) {
				t.Fatal(u, err)
			}
		}
	}
}
