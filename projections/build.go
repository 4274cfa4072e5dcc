package projections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/igny8/igny8/domain/es"
	"github.com/jackc/pgx/v5"
)

// Progress is how far a build is. Done counts positions of the log up to Total,
// or events when Total is 0, which is when it is not known.
type Progress struct {
	Key         Key
	Stage       Stage
	Done, Total int64
}

// Stage is what a build is doing.
type Stage string

// The stages, in order.
const (
	Loading    Stage = "loading"     // whole streams into a fresh table
	Indexing   Stage = "indexing"    // keys and indexes
	CatchingUp Stage = "catching up" // by position
	Switching  Stage = "switching"   // the live table gives way
	Comparing  Stage = "comparing"
	Done       Stage = "done"
)

// liveSchema is where tables are that are read.
const liveSchema = "public"

// Ensure builds every version that is missing, and refuses one whose tables
// have another shape than its code: es.Conflict "projection_changed". Several
// processes may call it at once; one of them builds.
func (a *Admin) Ensure(ctx context.Context, report func(Progress)) error {
	for _, p := range a.Projections {
		built, err := a.built(ctx, p)
		if err == nil && !built {
			err = a.build(ctx, p, report, func(b *build) error {
				built, err := a.built(ctx, p)
				if err != nil || built {
					return err
				}
				return b.replace(ctx)
			})
		}
		if err != nil {
			return fmt.Errorf("projection %s: %w", p.Key(), err)
		}
	}
	return nil
}

// Rebuild makes the tables of the named projections, or of all, from the log
// anew, beside the live ones, and switches over once they are level. Nothing is
// parked afterwards but what fails anew.
func (a *Admin) Rebuild(ctx context.Context, names []string, report func(Progress)) error {
	all, err := a.named(names)
	if err != nil {
		return err
	}
	for _, p := range all {
		_, err := a.built(ctx, p)
		if err == nil {
			err = a.build(ctx, p, report, func(b *build) error { return b.replace(ctx) })
		}
		if err != nil {
			return fmt.Errorf("rebuild %s: %w", p.Key(), err)
		}
	}
	return nil
}

// built says whether the version is there, in the shape of its code.
func (a *Admin) built(ctx context.Context, p Projection) (bool, error) {
	var shape string
	err := a.Owner.QueryRow(ctx, `SELECT shape FROM projection_checkpoints WHERE name = $1 AND version = $2`,
		p.Key().Name, p.Key().Version).Scan(&shape)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case shape != shapeOf(p):
		return true, es.Refuse(es.Conflict, "projection_changed",
			"The tables of %s were built in another shape than its code has now. Raise its Version: a new version is built beside the old one.", p.Key())
	}
	return true, nil
}

func shapeOf(p Projection) string {
	sum := sha256.Sum256([]byte(p.Shape()))
	return hex.EncodeToString(sum[:])
}

// build is a projection that is being made in a scratch schema.
type build struct {
	admin      *Admin
	projection Projection
	key        Key
	schema     string
	conn       *pgx.Conn
	report     func(Progress)

	position int64
	at       time.Time
	faults   map[es.ID]fault
}

// build runs do under the lock of the projection's builders.
func (a *Admin) build(ctx context.Context, p Projection, report func(Progress), do func(*build) error) error {
	conn, err := own(ctx, a.Owner)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	if report == nil {
		report = func(Progress) {}
	}
	b := &build{admin: a, projection: p, key: p.Key(), schema: "rebuild_" + p.Key().Table(), conn: conn, report: report}
	if _, err := conn.Exec(ctx, `SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0`); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, lockNumber("build", b.key)); err != nil {
		return err
	}
	if err := do(b); err != nil {
		return err
	}
	if err := b.drop(ctx); err != nil {
		return err
	}
	b.tell(Done, b.position, b.position)
	return nil
}

func (b *build) tell(stage Stage, done, total int64) { b.report(Progress{b.key, stage, done, total}) }

func (b *build) drop(ctx context.Context) error {
	_, err := b.conn.Exec(ctx, `DROP SCHEMA IF EXISTS `+b.schema+` CASCADE`)
	return err
}

// fill makes the tables and brings them level with the live ones, or with the
// log when there are none.
func (b *build) fill(ctx context.Context) error {
	through, err := b.goal(ctx, b.conn, "")
	if err != nil {
		return err
	}
	err = b.load(ctx, through)
	if err != nil && !systemic(err, b.conn) {
		if log := b.admin.Logger; log != nil {
			log.WarnContext(ctx, "projections: a load failed, going by position", slog.String("projection", b.key.String()), slog.Any("error", err))
		}
		err = b.begin(ctx)
	}
	if err != nil {
		return err
	}
	for b.position < through {
		if err := b.catchUp(ctx, b.conn, through); err != nil {
			return err
		}
		if through, err = b.goal(ctx, b.conn, ""); err != nil {
			return err
		}
	}
	return nil
}

// goal is the position of the live version, or the end of the log.
func (b *build) goal(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, lock string,
) (position int64, err error) {
	err = q.QueryRow(ctx, `SELECT position FROM projection_checkpoints WHERE name = $1 AND version = $2`+lock, b.key.Name, b.key.Version).Scan(&position)
	if errors.Is(err, pgx.ErrNoRows) {
		return b.admin.Log.Head(ctx)
	}
	return position, err
}

// in runs a transaction in which the scratch schema comes first.
func (b *build) in(ctx context.Context, conn *pgx.Conn, do func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL search_path = `+b.schema+`, `+liveSchema); err != nil {
			return err
		}
		return do(tx)
	})
}

// begin makes empty tables, to be filled by position.
func (b *build) begin(ctx context.Context) error {
	if err := b.clear(ctx); err != nil {
		return err
	}
	return b.in(ctx, b.conn, func(tx pgx.Tx) error {
		if err := b.projection.Create(ctx, tx); err != nil {
			return err
		}
		return b.projection.Finish(ctx, tx)
	})
}

func (b *build) clear(ctx context.Context) error {
	b.position, b.at, b.faults = 0, time.Time{}, map[es.ID]fault{}
	if err := b.drop(ctx); err != nil {
		return err
	}
	_, err := b.conn.Exec(ctx, `CREATE SCHEMA `+b.schema)
	return err
}

// load fills fresh tables from whole streams, where projection and log can.
// Any fault of an event ends it: then it goes by position, which parks.
func (b *build) load(ctx context.Context, through int64) error {
	loader, can := b.projection.(Loader)
	streams, ordered := b.admin.Log.(Streams)
	if !can || !ordered || through == 0 {
		return b.begin(ctx)
	}
	if err := b.clear(ctx); err != nil {
		return err
	}
	err := b.in(ctx, b.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL maintenance_work_mem = '128MB'`); err != nil {
			return err
		}
		if err := loader.Create(ctx, tx); err != nil {
			return err
		}
		if err := b.pour(ctx, tx, loader, streams, through); err != nil {
			return err
		}
		b.tell(Indexing, 0, 0)
		return loader.Finish(ctx, tx)
	})
	if err == nil {
		b.position = through
	}
	return err
}

// catchUp applies what follows, up to and including a position.
func (b *build) catchUp(ctx context.Context, conn *pgx.Conn, through int64) error {
	for b.position < through {
		err := b.in(ctx, conn, func(tx pgx.Tx) error { return b.apply(ctx, tx, through) })
		if err != nil {
			return err
		}
		b.tell(CatchingUp, b.position, through)
	}
	return nil
}

// apply takes one page. What it changes of b is right only once tx commits,
// and an error ends the build.
func (b *build) apply(ctx context.Context, tx pgx.Tx, through int64) error {
	p, err := readPage(ctx, b.admin.Log, b.admin.Registry, filterOf(b.projection), b.position)
	if err != nil {
		return err
	}
	parked := make(map[es.ID]bool, len(b.faults))
	for account := range b.faults {
		parked[account] = true
	}
	events := upTo(newSelector(b.projection).of(p.events, b.position, parked), through)
	if len(events) > 0 {
		if err := b.applyAll(ctx, tx, events); err != nil {
			return err
		}
		b.at = events[len(events)-1].RecordedAt
	}
	b.position = min(p.through, through)
	return nil
}

func (b *build) applyAll(ctx context.Context, tx pgx.Tx, events []Decoded) error {
	err := attempt(ctx, b.projection, tx, events)
	if err == nil || systemic(err, tx.Conn()) {
		return err
	}
	faults, err := applyIsolated(ctx, b.projection, tx, events)
	for _, f := range faults {
		b.faults[f.account] = f
	}
	return err
}

// secure closes the scratch tables to all but those who may: the application
// within one account, the projector everywhere.
func (b *build) secure(ctx context.Context, tx pgx.Tx) (tables []string, err error) {
	rows, err := tx.Query(ctx, `SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY tablename`, b.schema)
	if err != nil {
		return nil, err
	}
	if tables, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, err
	}
	for _, table := range tables {
		if !strings.HasSuffix(table, fmt.Sprintf("_v%d", b.key.Version)) {
			return nil, fmt.Errorf("table %s: its name must end in _v%d", table, b.key.Version)
		}
		name := pgx.Identifier{b.schema, table}.Sanitize()
		if _, err := tx.Exec(ctx, strings.ReplaceAll(securing, "@", name)); err != nil {
			return nil, fmt.Errorf("row-level security of %s: %w", table, err)
		}
	}
	return tables, nil
}

const securing = `
ALTER TABLE @ ENABLE ROW LEVEL SECURITY;
ALTER TABLE @ FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON @ FOR SELECT TO igny8_app
	USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY every_account ON @ TO igny8_projector USING (true) WITH CHECK (true);
GRANT SELECT ON @ TO igny8_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON @ TO igny8_projector`

// replace fills the scratch tables and puts them into the live ones' place.
func (b *build) replace(ctx context.Context) error {
	if err := b.fill(ctx); err != nil {
		return err
	}
	b.tell(Switching, b.position, b.position)
	return b.in(ctx, b.conn, func(tx pgx.Tx) error {
		through, err := b.goal(ctx, tx, " FOR UPDATE")
		if err != nil {
			return err
		}
		for b.position < through {
			if err := b.apply(ctx, tx, through); err != nil {
				return err
			}
		}
		return b.takePlace(ctx, tx)
	})
}

func (b *build) takePlace(ctx context.Context, tx pgx.Tx) error {
	tables, err := b.secure(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '30s'`); err != nil {
		return err
	}
	for _, table := range tables {
		scratch, live := pgx.Identifier{b.schema, table}.Sanitize(), pgx.Identifier{liveSchema, table}.Sanitize()
		if _, err := tx.Exec(ctx, `ANALYZE `+scratch+`; DROP TABLE IF EXISTS `+live+`; ALTER TABLE `+scratch+` SET SCHEMA `+liveSchema); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO projection_checkpoints (name, version, position, epoch, recorded_at, shape) VALUES ($1, $2, $3, 1, $4, $5)
		ON CONFLICT (name, version) DO UPDATE SET position = excluded.position, epoch = projection_checkpoints.epoch + 1,
			recorded_at = coalesce(excluded.recorded_at, projection_checkpoints.recorded_at), shape = excluded.shape, built_at = now()`,
		b.key.Name, b.key.Version, b.position, nullTime(b.at), shapeOf(b.projection))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM projection_parked WHERE name = $1 AND version = $2`, b.key.Name, b.key.Version); err != nil {
		return err
	}
	for _, f := range b.faults {
		if err := park(ctx, tx, b.key, f.account, f.position, f.err); err != nil {
			return err
		}
	}
	return nil
}
