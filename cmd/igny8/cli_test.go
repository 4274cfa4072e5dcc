package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/config"
	"github.com/igny8/igny8/projections"
)

// called is what one call of the program did.
type called struct {
	code           int
	stdout, stderr string
}

func call(t *testing.T, p parts, line string, environ ...string) called {
	t.Helper()
	return callWith(t, t.Context(), p, "", strings.Fields(line), environ...)
}

func callWith(t *testing.T, ctx context.Context, p parts, stdin string, args []string, environ ...string) called {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, p, session{stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr, environ: environ})
	return called{code, stdout.String(), stderr.String()}
}

// opened gives a part that is there already, and notes its closing.
func opened[T any](part T, closed *bool) opener[T] {
	return func(context.Context, config.Config, *slog.Logger) (T, func() error, error) {
		return part, func() error {
			*closed = true
			return nil
		}, nil
	}
}

func decoded[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func TestACommandWithoutItsPartDoesNotExist(t *testing.T) {
	t.Parallel()
	help := call(t, parts{}, "--help")
	if help.code != exitDone || strings.Contains(help.stdout, "rebuild") || !strings.Contains(help.stdout, "config") {
		t.Errorf("code %d: %s", help.code, help.stdout)
	}
	if got := call(t, parts{}, "rebuild --all"); got.code != exitUsage || !strings.Contains(got.stderr, "igny8 --help") {
		t.Errorf("%+v", got)
	}
}

func everyPart() parts {
	closed := false
	return parts{
		serve:       func(context.Context, config.Config, *slog.Logger, func(string)) error { return nil },
		migrations:  opened[migrator](&schemaInMemory{}, &closed),
		projections: opened[projectionKeeper](&keeperInMemory{}, &closed),
		log:         opened[projections.Log](nil, &closed),
		admins:      opened[adminMaker](&adminsInMemory{}, &closed),
		deadletters: opened[letterKeeper](oneLetter(), &closed),
	}
}

func TestEveryCommandHasAHelpWithAnExample(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"serve", "migrate", "rebuild", "projections status", "projections retry", "projections rebuild",
		"events pull", "events tail", "deadletter list", "deadletter show", "deadletter replay", "platform create-admin", "config", "version",
	} {
		got := call(t, everyPart(), command+" --help")
		example := "  igny8 " + strings.Replace(command, "projections rebuild", "rebuild", 1)
		if got.code != exitDone || !strings.Contains(got.stdout, "Example") || !strings.Contains(got.stdout, example) {
			t.Errorf("igny8 %s --help (code %d):\n%s", command, got.code, got.stdout)
		}
		if !strings.Contains(call(t, everyPart(), "--help").stdout, command) {
			t.Errorf("igny8 --help does not name %s", command)
		}
	}
}

func TestWithoutACommandTheHelpIsShown(t *testing.T) {
	t.Parallel()
	if got := call(t, parts{}, ""); got.code != exitDone || !strings.Contains(got.stdout, "Usage: igny8") {
		t.Errorf("%+v", got)
	}
}

func TestAWrongLineEndsWithTwoAndNamesTheHelp(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"serv":                               "igny8 --help",
		"config --nonsense":                  "igny8 config --help",
		"rebuild":                            "--all",
		"rebuild --all planner_keywords":     "--all",
		"rebuild planner.unknown":            "there are planner_keywords",
		"projections retry planner_keywords": "--account",
		"projections retry planner_keywords --account=x": "--account",
		"events pull --after=-1":                         "count from 0",
		"platform create-admin --email=a@b.example":      "--password-stdin",
		"migrate --log-level=loud":                       "IGNY8_LOG_LEVEL",
	} {
		if got := call(t, everyPart(), line); got.code != exitUsage || !strings.Contains(got.stderr, want) || got.stdout != "" {
			t.Errorf("igny8 %s: %+v, want %q", line, got, want)
		}
	}
}

func TestConfigShowsEachSettingWithItsSourceAndNoSecret(t *testing.T) {
	t.Parallel()
	got := call(t, parts{}, "config --listen=127.0.0.1:1", "DATABASE_URL=postgres://me:hunter2@db/igny8")
	if got.code != exitDone || strings.Contains(got.stdout+got.stderr, "hunter2") {
		t.Fatalf("%+v", got)
	}
	for _, s := range config.Settings() {
		if !strings.Contains(got.stdout, s.Name) {
			t.Errorf("%s is missing", s.Name)
		}
	}
	answer := decoded[configAnswer](t, call(t, parts{}, "config --json --listen=127.0.0.1:1", "IGNY8_LOG_LEVEL=debug", "IGNY8_TYPO=1").stdout)
	if answer.Profile != "postgres+store" || len(answer.Warnings) != 1 {
		t.Errorf("%+v", answer)
	}
	for _, want := range []config.Value{
		{Name: "IGNY8_LISTEN", Value: "127.0.0.1:1", Source: config.FromFlag},
		{Name: "IGNY8_LOG_LEVEL", Value: "debug", Source: config.FromEnvironment},
	} {
		if !slices.Contains(answer.Settings, want) {
			t.Errorf("%+v is missing in %+v", want, answer.Settings)
		}
	}
}

func TestConfigShowsEverythingAlsoWhenSomethingIsWrong(t *testing.T) {
	t.Parallel()
	got := call(t, parts{}, "config --json", "IGNY8_LISTEN=nowhere")
	if got.code != exitUsage || !strings.Contains(got.stderr, "IGNY8_LISTEN") {
		t.Errorf("%+v", got)
	}
	if answer := decoded[configAnswer](t, got.stdout); len(answer.Settings) != len(config.Settings()) || answer.Settings[0].Error == "" {
		t.Errorf("%+v", answer)
	}
}

func TestVersionTellsAProgramWhatItWasBuiltFrom(t *testing.T) {
	t.Parallel()
	if v := decoded[versionAnswer](t, call(t, parts{}, "version --json").stdout); v.Version == "" || !strings.HasPrefix(v.Go, "go") {
		t.Errorf("%+v", v)
	}
	if got := call(t, parts{}, "--version"); got.code != exitDone || strings.TrimSpace(got.stdout) != version() {
		t.Errorf("%+v", got)
	}
}

func TestServeGetsItsSettingsAndSaysFirstWhereItListens(t *testing.T) {
	t.Parallel()
	var c config.Config
	p := parts{serve: func(ctx context.Context, given config.Config, log *slog.Logger, listening func(string)) error {
		c = given
		listening("http://127.0.0.1:4321")
		log.InfoContext(ctx, "ready")
		return nil
	}}
	got := call(t, p, "serve --listen=127.0.0.1:0 --data=/tmp/x --roles=api --metrics-listen=off", "IGNY8_THROTTLES=off", "DATABASE_URL=postgres://db/igny8")
	if got.code != exitDone || got.stdout != "listening on http://127.0.0.1:4321\n" {
		t.Errorf("%+v", got)
	}
	if c.Listen != "127.0.0.1:0" || c.DataDir != "/tmp/x" || c.MetricsListen != "" || len(c.Roles) != 1 || c.Throttles {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(got.stderr, "IGNY8_THROTTLES=off") || !strings.Contains(got.stderr, `"msg":"ready"`) {
		t.Errorf("the log says %s", got.stderr)
	}
}

func TestAFailedCommandEndsWithOneAndSaysWhy(t *testing.T) {
	t.Parallel()
	p := parts{serve: func(context.Context, config.Config, *slog.Logger, func(string)) error {
		return errors.New("the data folder is in use")
	}}
	if got := call(t, p, "serve"); got.code != exitFailed || got.stderr != "igny8: the data folder is in use\n" {
		t.Errorf("%+v", got)
	}
	p.serve = func(ctx context.Context, _ config.Config, _ *slog.Logger, _ func(string)) error {
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := callWith(t, ctx, p, "", []string{"serve"}); got.code != exitFailed || got.stderr != "igny8: interrupted\n" {
		t.Errorf("%+v", got)
	}
}

// schemaInMemory is a migrator in memory.
type schemaInMemory struct{ pending []string }

func (m *schemaInMemory) Pending(context.Context) ([]string, error) { return m.pending, nil }

func (m *schemaInMemory) Migrate(context.Context, bool) ([]string, error) {
	did := m.pending
	m.pending = nil
	return did, nil
}

func TestMigrateNamesWhatItAppliedAndTheSecondTimeNothing(t *testing.T) {
	t.Parallel()
	closed := false
	p := parts{migrations: opened[migrator](&schemaInMemory{pending: []string{"0001_roles.sql"}}, &closed)}
	if got := call(t, p, "migrate --check"); got.code != exitFailed || !strings.Contains(got.stdout, "0001_roles.sql") || !strings.Contains(got.stderr, "run igny8 migrate") {
		t.Errorf("%+v", got)
	}
	if got := call(t, p, "migrate"); got.code != exitDone || !strings.Contains(got.stdout, "applied:\n  0001_roles.sql") {
		t.Errorf("%+v", got)
	}
	if got := call(t, p, "migrate"); got.code != exitDone || !strings.Contains(got.stdout, "up to date") {
		t.Errorf("%+v", got)
	}
	if got := call(t, p, "migrate --json"); got.stdout != "{\"applied\":[]}\n" {
		t.Errorf("%+v", got)
	}
	if !closed {
		t.Error("what was opened is not closed")
	}
}

// keeperInMemory is a projectionKeeper in memory.
type keeperInMemory struct{ differing int64 }

func (*keeperInMemory) Status(context.Context) ([]projectionStatus, error) {
	return []projectionStatus{
		{Name: "planner_keywords", Version: 1, Position: 90, Head: 100, Parked: []parkedAccount{{Account: es.ID{15: 7}, Position: 42, Error: "boom"}}},
		{Name: "tenancy_sites", Version: 2, Position: 100, Head: 100, Parked: []parkedAccount{}},
	}, nil
}

func (*keeperInMemory) Rebuild(_ context.Context, _ string, tell tellProgress) (int64, error) {
	tell("reading", 50, 100)
	tell("reading", 100, 100)
	tell("indexing", 0, 0)
	return 100, nil
}

func (k *keeperInMemory) Compare(context.Context, string, tellProgress) (int64, error) {
	return k.differing, nil
}
func (*keeperInMemory) Retry(context.Context, string, es.ID) error { return nil }

func TestProjectionsSayHowFarTheyAreAndWhatToDoAboutAParkedAccount(t *testing.T) {
	t.Parallel()
	closed := false
	p := parts{projections: opened[projectionKeeper](&keeperInMemory{}, &closed)}
	got := call(t, p, "projections status")
	retry := "igny8 projections retry planner_keywords --account=00000000-0000-0000-0000-000000000007"
	if !strings.Contains(got.stdout, retry) || !strings.Contains(got.stdout, "boom") {
		t.Errorf("%+v", got)
	}
	if got := call(t, p, strings.TrimPrefix(retry, "igny8 ")); got.code != exitDone || !strings.Contains(got.stdout, "up to date") {
		t.Errorf("the printed command fails: %+v", got)
	}
	answer := decoded[map[string][]projectionStatus](t, call(t, p, "projections status --json").stdout)
	if all := answer["projections"]; len(all) != 2 || all[0].Parked[0].Position != 42 {
		t.Errorf("%+v", answer)
	}
}

func TestRebuildShowsProgressOnStandardErrorAndNoneToPrograms(t *testing.T) {
	t.Parallel()
	closed := false
	p := parts{projections: opened[projectionKeeper](&keeperInMemory{}, &closed)}
	got := call(t, p, "rebuild --all")
	if got.code != exitDone || !strings.Contains(got.stderr, "tenancy_sites: reading 100 of 100 events, 100%") || !strings.Contains(got.stdout, "planner_keywords: made anew from 100 events") {
		t.Errorf("%+v", got)
	}
	got = call(t, p, "projections rebuild planner_keywords --json")
	if answer := decoded[map[string][]rebuilt](t, got.stdout); got.stderr != "" || len(answer["projections"]) != 1 || answer["projections"][0].Events != 100 {
		t.Errorf("%+v", got)
	}
}

func TestRebuildCheckFailsWhenARowDiffers(t *testing.T) {
	t.Parallel()
	closed := false
	p := parts{projections: opened[projectionKeeper](&keeperInMemory{differing: 2}, &closed)}
	if got := call(t, p, "rebuild --check planner_keywords"); got.code != exitFailed || !strings.Contains(got.stdout, "2 rows differ") || !strings.Contains(got.stderr, "planner_keywords") {
		t.Errorf("%+v", got)
	}
	p.projections = opened[projectionKeeper](&keeperInMemory{}, &closed)
	if got := call(t, p, "rebuild --check --all"); got.code != exitDone || !strings.Contains(got.stdout, "equal to the events") {
		t.Errorf("%+v", got)
	}
}

// adminsInMemory is an adminMaker in memory.
type adminsInMemory struct{ made newAdmin }

func (a *adminsInMemory) CreateAdmin(_ context.Context, n newAdmin) (es.ID, error) {
	a.made = n
	return es.ID{15: 1}, nil
}

func TestThePasswordOfAnAdministratorComesFromStandardInputOnly(t *testing.T) {
	t.Parallel()
	closed := false
	made := &adminsInMemory{}
	p := parts{admins: opened[adminMaker](made, &closed)}
	line := strings.Fields("platform create-admin --email=ada@example.com --first-name=Ada --password-stdin")
	got := callWith(t, t.Context(), p, "hunter2\n", line)
	if got.code != exitDone || made.made != (newAdmin{Email: "ada@example.com", FirstName: "Ada", Password: "hunter2"}) {
		t.Errorf("%+v made %+v", got, made.made)
	}
	if strings.Contains(got.stdout+got.stderr, "hunter2") {
		t.Errorf("the password is shown: %+v", got)
	}
	if got := callWith(t, t.Context(), p, "\n", line); got.code != exitUsage || !strings.Contains(got.stderr, "empty") {
		t.Errorf("%+v", got)
	}
	if got := call(t, p, "platform create-admin --email=ada@example.com --password=x"); got.code != exitUsage {
		t.Errorf("a password is taken as a flag: %+v", got)
	}
}
