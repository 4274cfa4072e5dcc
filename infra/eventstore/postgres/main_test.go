package postgres_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/igny8/igny8/infra/postgres/pgtest"

	database "github.com/igny8/igny8/infra/postgres"
)

// The test binary is also the processes that the adversarial test starts and
// kills; these variables tell it so.
const (
	partEnv = "EVENTSTORE_TEST_PART" // "append" or "read"
	urlEnv  = "EVENTSTORE_TEST_URL"
	fileEnv = "EVENTSTORE_TEST_FILE"
)

func TestMain(m *testing.M) {
	parts := map[string]func(ctx context.Context, db *database.DB, file string) error{"append": appendUntilDone, "read": readUntilDone}
	part, ok := parts[os.Getenv(partEnv)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := play(part); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// play runs a part until standard input ends, as it does when the test closes
// it or dies.
func play(part func(context.Context, *database.DB, string) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	db, err := database.Open(ctx, database.Options{URL: os.Getenv(urlEnv), MasterKey: pgtest.MasterKey()})
	if err != nil {
		return err
	}
	defer db.Close()
	return part(ctx, db, os.Getenv(fileEnv))
}
