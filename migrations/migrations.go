// Package migrations holds the database's schema as numbered SQL files, and
// brings a database up to date with them. Roles (0001) are made as the given
// administrator, everything else as igny8_owner, so that it owns every table.
package migrations

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/igny8/igny8/infra/postgres"
)

//go:embed *.sql
var files embed.FS

const (
	rolesFile = "0001_roles.sql"
	// lockKey serialises migrating processes of one database. Any constant does.
	lockKey = 0x69676e7938
	// defaults keep new functions from being everybody's.
	defaults = `ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`
	oldest   = 150000
)

// Up makes the roles, gives them the passwords that derive from the master key,
// and runs the migrations that are missing. Several processes may call it at
// once: one works, the others wait. Repeating it changes nothing. The user of
// adminURL must own the database, and be a superuser or have CREATEROLE. It
// names the files that it applied.
func Up(ctx context.Context, adminURL string, master []byte, log *slog.Logger) (applied []string, err error) {
	return up(ctx, adminURL, master, log, false)
}

// UpReplacingPasswords is Up after a change of the master key, for roles that
// Up refuses because another key made their passwords. Processes that still
// have the old key cannot connect afterwards.
func UpReplacingPasswords(ctx context.Context, adminURL string, master []byte, log *slog.Logger) (applied []string, err error) {
	return up(ctx, adminURL, master, log, true)
}

func up(ctx context.Context, adminURL string, master []byte, log *slog.Logger, replace bool) ([]string, error) {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", lockKey); err != nil {
		return nil, fmt.Errorf("migrate: wait for other migrations: %w", err)
	}
	if err := makeRoles(ctx, conn, master, replace); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	applied, err := migrate(ctx, adminURL, master, log)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	return applied, nil
}

func migrate(ctx context.Context, adminURL string, master []byte, log *slog.Logger) (applied []string, err error) {
	url, err := postgres.RoleURL(adminURL, master, postgres.RoleOwner)
	if err != nil {
		return nil, err
	}
	db, err := open(url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, defaults); err != nil {
		return nil, fmt.Errorf("as %s: %w", postgres.RoleOwner, err)
	}
	provider, err := provide(db)
	if err != nil {
		return nil, err
	}
	done, err := provider.Up(ctx)
	for _, one := range done {
		applied = append(applied, one.Source.Path)
		log.InfoContext(ctx, "migrated", slog.String("file", one.Source.Path), slog.Duration("took", one.Duration))
	}
	return applied, err
}

// Pending names the files that Up would apply, in order; the roles are always
// brought up to date.
func Pending(ctx context.Context, adminURL string) (pending []string, err error) {
	db, err := open(adminURL)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	provider, err := provide(db)
	if err != nil {
		return nil, err
	}
	// Status would make goose's own table, as somebody else than its owner.
	var begun bool
	if err := db.QueryRowContext(ctx, "select to_regclass('public.goose_db_version') is not null").Scan(&begun); err != nil {
		return nil, fmt.Errorf("which migrations are missing: %w", err)
	}
	if !begun {
		for _, source := range provider.ListSources() {
			pending = append(pending, source.Path)
		}
		return pending, nil
	}
	all, err := provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("which migrations are missing: %w", err)
	}
	for _, one := range all {
		if one.State == goose.StatePending {
			pending = append(pending, one.Source.Path)
		}
	}
	return pending, nil
}

func open(url string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("address of the database: %w", err)
	}
	config.RuntimeParams["application_name"] = "igny8 migrate"
	return stdlib.OpenDB(*config), nil
}

func provide(db *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithExcludeNames([]string{rolesFile}), goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(false))
}

func makeRoles(ctx context.Context, conn *pgx.Conn, master []byte, replace bool) error {
	if err := mayMakeRoles(ctx, conn); err != nil {
		return err
	}
	text, err := files.ReadFile(rolesFile)
	if err != nil {
		return err
	}
	// Other databases of the same server may be at the same roles: Postgres then
	// answers "tuple concurrently updated", and the second try finds them done.
	for tries := 0; ; tries++ {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, string(text)); err != nil {
				return fmt.Errorf("roles: %w", err)
			}
			if _, err := tx.Exec(ctx, DatabaseGrants(conn.Config().Database)); err != nil {
				return fmt.Errorf("rights on the database: %w", err)
			}
			return setPasswords(ctx, tx, master, replace)
		})
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "XX000" && tries < 10 {
			continue
		}
		return err
	}
}

func mayMakeRoles(ctx context.Context, conn *pgx.Conn) error {
	var (
		user, database          string
		super, createRole, owns bool
		version                 int
	)
	err := conn.QueryRow(ctx, `
		select current_user, current_database(), r.rolsuper, r.rolcreaterole,
			pg_has_role(d.datdba, 'member'), current_setting('server_version_num')::int
		from pg_roles r, pg_database d
		where r.rolname = current_user and d.datname = current_database()`).
		Scan(&user, &database, &super, &createRole, &owns, &version)
	if err != nil {
		return fmt.Errorf("look at the rights of the database's user: %w", err)
	}
	switch {
	case version < oldest:
		return fmt.Errorf("the database server is PostgreSQL %d, but %d or newer is needed", version/10000, oldest/10000)
	case super:
		return nil
	case !createRole:
		return fmt.Errorf("user %q of DATABASE_URL must be allowed to make roles: ALTER ROLE %q CREATEROLE", user, user)
	case !owns:
		return fmt.Errorf("user %q of DATABASE_URL must own the database: ALTER DATABASE %q OWNER TO %q", user, database, user)
	}
	return nil
}

// setPasswords gives each role the password that derives from master. A comment
// on the role keeps the password's fingerprint: one that differs was made by
// another master key, perhaps another installation on the same server, which
// must not be locked out in silence.
func setPasswords(ctx context.Context, tx pgx.Tx, master []byte, replace bool) error {
	for _, role := range postgres.Roles() {
		want := "igny8 password " + postgres.RoleFingerprint(master, role)
		var have string
		err := tx.QueryRow(ctx, "select coalesce(shobj_description(oid, 'pg_authid'), '') from pg_roles where rolname = $1", role).Scan(&have)
		if err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
		if have == want {
			continue
		}
		if strings.HasPrefix(have, "igny8 password ") && !replace {
			return fmt.Errorf("the database's roles belong to an igny8 with another master key: use that key, "+
				"or a PostgreSQL server of its own for this one, or, if the key was changed, `igny8 migrate --replace-passwords` (role %s)", role)
		}
		verifier, err := scramVerifier(postgres.RolePassword(master, role))
		if err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
		name := pgx.Identifier{string(role)}.Sanitize()
		if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'; COMMENT ON ROLE %s IS '%s'", name, verifier, name, want)); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	return nil
}

// DatabaseGrants is the SQL that opens a database to the roles, and to nobody
// else. Unlike the rest of the schema, these rights are not copied when a
// database is cloned.
func DatabaseGrants(database string) string {
	var others []string
	for _, role := range postgres.Roles() {
		if role != postgres.RoleOwner {
			others = append(others, string(role))
		}
	}
	name := pgx.Identifier{database}.Sanitize()
	return fmt.Sprintf("REVOKE ALL ON DATABASE %[1]s FROM PUBLIC; GRANT CONNECT ON DATABASE %[1]s TO %[2]s; "+
		"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %[1]s TO %[3]s",
		name, strings.Join(others, ", "), postgres.RoleOwner)
}

// Fingerprint names the schema that Up makes: two binaries with the same one
// migrate alike.
func Fingerprint() (string, error) {
	sum := sha256.New()
	sum.Write([]byte(defaults))
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return "", err
		}
		sum.Write([]byte(name + "\x00"))
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}
