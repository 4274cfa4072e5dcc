package config_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/infra/config"
)

func load(t *testing.T, environ ...string) config.Loaded {
	t.Helper()
	loaded, err := config.Load(environ, nil)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return loaded
}

func value(t *testing.T, l config.Loaded, name string) config.Value {
	t.Helper()
	for _, v := range l.Values {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("no value %s", name)
	return config.Value{}
}

func TestWithoutAnySettingItServesOneMachineOnLoopback(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	c := loaded.Config
	if c.Listen != "127.0.0.1:8080" || c.MetricsListen != "127.0.0.1:9464" {
		t.Errorf("listens on %s and %s", c.Listen, c.MetricsListen)
	}
	if got := c.Profile.String(); got != "postgres+store" || c.DatabaseURL != "" {
		t.Errorf("profile %s on %q, want the private Postgres", got, c.DatabaseURL)
	}
	if !c.Throttles || c.BodyLimit != 10<<20 || c.RequestTimeout != 30*time.Second || c.LogLevel != slog.LevelInfo {
		t.Errorf("limits: %+v", c)
	}
	if !filepath.IsAbs(c.DataDir) || filepath.Dir(c.MasterKeyFile) != c.DataDir || filepath.Dir(c.ErasureLog) != c.DataDir {
		t.Errorf("data %s, key %s, erasures %s", c.DataDir, c.MasterKeyFile, c.ErasureLog)
	}
	for _, role := range config.Roles() {
		if !c.Has(role) {
			t.Errorf("does not play %s", role)
		}
	}
	if len(loaded.Warnings) > 0 {
		t.Errorf("warnings: %v", loaded.Warnings)
	}
}

func TestAFlagWinsOverTheEnvironmentWhichWinsOverTheDefault(t *testing.T) {
	t.Parallel()
	loaded, err := config.Load(
		[]string{"IGNY8_LISTEN=127.0.0.1:1", "IGNY8_LOG_LEVEL=debug", "IGNY8_DATA="},
		map[string]string{"IGNY8_LISTEN": "127.0.0.1:2", "IGNY8_LOG_LEVEL": ""},
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]config.Value{
		"IGNY8_LISTEN":     {Name: "IGNY8_LISTEN", Value: "127.0.0.1:2", Source: config.FromFlag},
		"IGNY8_LOG_LEVEL":  {Name: "IGNY8_LOG_LEVEL", Value: "debug", Source: config.FromEnvironment},
		"IGNY8_LOG_FORMAT": {Name: "IGNY8_LOG_FORMAT", Value: "json", Source: config.FromDefault},
	} {
		if got := value(t, loaded, name); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if got := value(t, loaded, "IGNY8_DATA"); got.Source != config.FromDefault {
		t.Errorf("an empty variable counts as set: %+v", got)
	}
	if loaded.Config.Listen != "127.0.0.1:2" || loaded.Config.LogLevel != slog.LevelDebug {
		t.Errorf("%+v", loaded.Config)
	}
}

func TestEachWrongSettingIsNamedWithWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ setting, wrong, mend string }{
		{"IGNY8_LISTEN=8080", `"8080" is not an address`, "host:port"},
		{"IGNY8_LISTEN=127.0.0.1:70000", "not a port", "host:port"},
		{"IGNY8_LISTEN=off", "not an address", "host:port"},
		{"IGNY8_LISTEN=http://127.0.0.1:80", "not a", "host:port"},
		{"IGNY8_METRICS_LISTEN=nowhere", "not an address", "or off"},
		{"IGNY8_METRICS_LISTEN=127.0.0.1:8080", "address of the API", "another port"},
		{"IGNY8_PUBLIC_URL=api.example.com", "not an http", "https://"},
		{"IGNY8_PUBLIC_URL=https://example.com/api", "more than scheme and host", "https://"},
		{"DATABASE_URL=mysql://h/d", "does not begin with postgres://", "postgres://"},
		{"DATABASE_URL=postgres://host", "names no database", "postgres://"},
		{"DATABASE_URL=postgres:///db", "names no host", "postgres://"},
		{"EVENT_STORE=mongo", `"mongo" is not known`, "postgres or esdb"},
		{"BUS=nats", `"nats" is not known`, "store or kafka"},
		{"BUS=kafka", "postgres+kafka is not built yet", "postgres+store"},
		{"BUS=kafka", "BUS=kafka needs it", "host:port"},
		{"EVENT_STORE=esdb", "esdb+store is not a profile", "not built yet"},
		{"KAFKA_BROKERS=broker", `"broker" is not an address`, "host:port"},
		{"IGNY8_ROLES=chef", `"chef" is not a role`, "api"},
		{"IGNY8_ROLES=,", "names no role", "api"},
		{"IGNY8_ROLES=relay", "the role relay is not built yet", "all"},
		{"IGNY8_ROLES=api", "the private one belongs to one process", "DATABASE_URL"},
		{"IGNY8_THROTTLES=false", `"false" is not known`, "on or off"},
		{"IGNY8_REQUEST_TIMEOUT=30", "not a duration", "30s"},
		{"IGNY8_REQUEST_TIMEOUT=1ms", "not a duration in that range", "30s"},
		{"IGNY8_BODY_LIMIT=big", "not a size", "10MB"},
		{"IGNY8_BODY_LIMIT=MB", "not a size", "10MB"},
		{"IGNY8_BODY_LIMIT=2147483647GB", "not a size in that range", "10MB"},
		{"IGNY8_TRUSTED_PROXIES=10.0.0.0/33", "is neither", "10.0.0.0/8"},
		{"IGNY8_TRUSTED_PROXIES=0.0.0.0/0", "anybody's", "your own"},
		{"IGNY8_CORS_ORIGINS=*", `"*" is not an origin`, "https://"},
		{"IGNY8_CORS_ORIGINS=https://a.example/", "not an origin", "no path"},
		{"IGNY8_CORS_ORIGINS=https://*.example", "not an origin", "no *"},
		{"IGNY8_LOG_LEVEL=loud", `"loud" is not known`, "debug, info"},
		{"IGNY8_LOG_FORMAT=xml", `"xml" is not known`, "json or text"},
	} {
		t.Run(c.setting, func(t *testing.T) {
			t.Parallel()
			loaded, err := config.Load([]string{c.setting}, nil)
			if err == nil {
				t.Fatal("it is taken")
			}
			name, _, _ := strings.Cut(c.setting, "=")
			found := false
			for line := range strings.SplitSeq(err.Error(), "\n") {
				found = found || strings.Contains(line, c.wrong) && strings.Contains(line, c.mend)
			}
			if !found || !strings.Contains(err.Error(), name) {
				t.Errorf("got %q, want %s with %q and %q", err, name, c.wrong, c.mend)
			}
			var problem *config.Problem
			if !errors.As(err, &problem) {
				t.Error("it is no *Problem")
			}
			if len(loaded.Values) != len(config.Settings()) {
				t.Error("the values are not complete")
			}
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{"IGNY8_LISTEN=x", "IGNY8_LOG_LEVEL=x", "BUS=x"}, nil)
	for _, name := range []string{"IGNY8_LISTEN", "IGNY8_LOG_LEVEL", "BUS"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"DATABASE_URL=postgres://me:hunter2@db:5432/igny8?sslmode=require",
		"DATABASE_URL=postgres://db/igny8?user=me&password=hunter2",
		"DATABASE_URL=mysql://me:hunter2@db/igny8",
		"DATABASE_URL=postgres://me:hunter2%zz@db/igny8",
		"DATABASE_URL=host=db password=hunter2",
		"ESDB_URL=esdb://me:hunter2@es:2113?tls=false",
		"IGNY8_PUBLIC_URL=https://me:hunter2@example.com",
	} {
		loaded, err := config.Load([]string{entry}, nil)
		shown := strings.Join(loaded.Warnings, "\n")
		for _, v := range loaded.Values {
			shown += v.Value + v.Error + "\n"
		}
		if err != nil {
			shown += err.Error()
		}
		if strings.Contains(shown, "hunter2") {
			t.Errorf("%s is shown:\n%s", entry, shown)
		}
		if !strings.Contains(shown, "****") {
			t.Errorf("%s: nothing says that something is masked", entry)
		}
	}
	loaded := load(t, "DATABASE_URL=postgres://me:hunter2@db:5432/igny8?sslmode=require")
	if got := value(t, loaded, "DATABASE_URL").Value; got != "postgres://me:****@db:5432/igny8?sslmode=require" {
		t.Errorf("more than the password is masked: %s", got)
	}
	if loaded.Config.DatabaseURL != "postgres://me:hunter2@db:5432/igny8?sslmode=require" {
		t.Error("the configuration itself is masked")
	}
}

func TestListsSizesAndNetworksAreRead(t *testing.T) {
	t.Parallel()
	c := load(t, "DATABASE_URL=postgres://db/igny8", "IGNY8_ROLES=api, api", "IGNY8_BODY_LIMIT=512kb",
		"IGNY8_TRUSTED_PROXIES=10.1.2.3, 10.2.3.4/8,::1", "IGNY8_CORS_ORIGINS=https://a.example,http://localhost:3000",
		"IGNY8_PUBLIC_URL=https://api.example.com/", "IGNY8_METRICS_LISTEN=off").Config
	if len(c.Roles) != 1 || !c.Has(config.API) || c.Has(config.Projector) {
		t.Errorf("roles %v", c.Roles)
	}
	if c.BodyLimit != 512<<10 {
		t.Errorf("body limit %d", c.BodyLimit)
	}
	var proxies []string
	for _, p := range c.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	if got := strings.Join(proxies, " "); got != "10.1.2.3/32 10.0.0.0/8 ::1/128" {
		t.Errorf("proxies %s", got)
	}
	if strings.Join(c.CORSOrigins, " ") != "https://a.example http://localhost:3000" {
		t.Errorf("origins %v", c.CORSOrigins)
	}
	if c.PublicURL.String() != "https://api.example.com" || c.MetricsListen != "" {
		t.Errorf("%+v", c)
	}
}

func TestWhatIsAllowedButLikelyNotMeantIsWarnedOf(t *testing.T) {
	t.Parallel()
	loaded := load(t, "IGNY8_LISTN=127.0.0.1:1", "IGNY8_THROTTLES=off", "IGNY8_METRICS_LISTEN=0.0.0.0:9464",
		"KAFKA_BROKERS=k:9092", "ESDB_URL=esdb://es:2113")
	all := strings.Join(loaded.Warnings, "\n")
	for _, want := range []string{"did you mean IGNY8_LISTEN?", "IGNY8_THROTTLES=off", "no loopback address", "KAFKA_BROKERS is ignored", "ESDB_URL is ignored"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in:\n%s", want, all)
		}
	}
}

func TestTheDocumentOfSettingsIsUpToDate(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "configuration.md")
	if os.Getenv("IGNY8_UPDATE_DOCUMENTS") == "1" {
		if err := os.WriteFile(file, []byte(config.Document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != config.Document() {
		t.Error("docs/configuration.md differs from the settings in the code: run `make generate` and commit it")
	}
}
