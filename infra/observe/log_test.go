package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/igny8/igny8/infra/observe"
)

type requestKey struct{}

func requestID(ctx context.Context) []slog.Attr {
	id, _ := ctx.Value(requestKey{}).(string)
	if id == "" {
		return nil
	}
	return []slog.Attr{slog.String("request_id", id)}
}

func logged(t *testing.T, out *bytes.Buffer) map[string]any {
	t.Helper()
	var record map[string]any
	if err := json.Unmarshal(out.Bytes(), &record); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return record
}

func TestARecordCarriesTheRequestIDAndTheCorrelationOfItsContext(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := observe.NewLogger(&out, slog.LevelInfo, "json", requestID)
	ctx := context.WithValue(t.Context(), requestKey{}, "req-1")
	ctx = observe.With(ctx, slog.String("correlation", "c-0"))
	ctx = observe.With(ctx, slog.String("correlation", "c-1"))
	log.With(slog.String("part", "bus")).WithGroup("append").InfoContext(ctx, "appended", slog.Int("events", 2))
	record := logged(t, &out)
	if record["request_id"] != "req-1" || record["correlation"] != "c-1" || record["part"] != "bus" {
		t.Errorf("got %v", record)
	}
	if group, _ := record["append"].(map[string]any); group["events"] != 2.0 {
		t.Errorf("got %v", record)
	}
	if strings.Count(out.String(), "correlation") != 1 {
		t.Errorf("an attribute stands twice: %s", out.String())
	}
}

func TestAContextWithoutARequestAddsNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	observe.NewLogger(&out, slog.LevelInfo, "json", requestID).InfoContext(t.Context(), "started")
	if record := logged(t, &out); len(record) != 3 {
		t.Errorf("got %v", record)
	}
}

func TestLevelsBelowTheConfiguredOneAreNotLogged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := observe.NewLogger(&out, slog.LevelWarn, "text")
	log.InfoContext(t.Context(), "quiet")
	log.WarnContext(t.Context(), "loud")
	if strings.Contains(out.String(), "quiet") || !strings.Contains(out.String(), "level=WARN msg=loud") {
		t.Errorf("got %s", out.String())
	}
}

const (
	apiKey = "ig8_live_3fKq9_7vN2mX8qLr4TzWbY6cHdJs0aPeGiUoK1nQvRxMt5aZ91xy"
	jwt    = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
)

func TestSecretsAreMaskedWhereverTheyStand(t *testing.T) {
	t.Parallel()
	database, err := url.Parse("postgres://me:hunter2@db/igny8")
	if err != nil {
		t.Fatal(err)
	}
	type login struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	for name, attr := range map[string]slog.Attr{
		"a password":               slog.String("password", "hunter2"),
		"a name with a prefix":     slog.String("new_password", "hunter2"),
		"a header's name":          named("X-Api-Key"),
		"capital letters":          named("Authorization"),
		"a cookie":                 slog.String("cookie", "sid=hunter2"),
		"bytes of a key":           slog.Any("master_key", []byte("hunter2")),
		"a group":                  slog.Group("request", slog.String("token", "hunter2")),
		"headers":                  slog.Any("headers", http.Header{"Authorization": {"hunter2"}, "Cookie": {"hunter2"}}),
		"a struct":                 slog.Any("body", login{"a@b.example", "hunter2"}),
		"a nested map":             slog.Any("body", map[string]any{"a": []any{map[string]any{"secret": "hunter2"}}}),
		"a URL":                    slog.Any("database", database),
		"a URL in a text":          slog.String("database", "cannot reach postgres://me:hunter2@db/igny8"),
		"a URL in an error":        slog.Any("error", errors.New("dial postgres://me:hunter2@db/igny8: refused")),
		"a connection string":      slog.String("detail", "host=db password=hunter2 user=me"),
		"a query":                  slog.String("path", "/x?access_token=hunter2&page=2"),
		"an authorization's value": slog.String("detail", "got Bearer hunter2hunter2"),
		"an API key":               slog.String("detail", "who is "+apiKey+"?"),
		"a web token":              slog.Any("detail", []string{jwt}),
		"a resolved value":         slog.Any("detail", valuer{"Bearer hunter2hunter2"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range []string{"json", "text"} {
				var out bytes.Buffer
				observe.NewLogger(&out, slog.LevelInfo, format).LogAttrs(t.Context(), slog.LevelInfo, "seen", attr)
				for _, secret := range []string{"hunter2", "aHVudGVyMg", "TzWbY6cHdJs0aPe", "c2lnbmF0dXJl"} {
					if strings.Contains(out.String(), secret) {
						t.Errorf("%s shows it: %s", format, out.String())
					}
				}
				if !strings.Contains(out.String(), "****") {
					t.Errorf("%s does not say that something is masked: %s", format, out.String())
				}
			}
		})
	}
}

func named(header string) slog.Attr { return slog.String(header, "hunter2") }

type valuer struct{ text string }

func (v valuer) LogValue() slog.Value { return slog.StringValue(v.text) }

func TestAMessageThatHoldsASecretIsMasked(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := observe.NewLogger(&out, slog.LevelInfo, "json")
	log.With(slog.String("token", "hunter2")).InfoContext(t.Context(), "refused "+apiKey)
	if strings.Contains(out.String(), "TzWbY6cHdJs0aPe") || strings.Contains(out.String(), "hunter2") {
		t.Errorf("got %s", out.String())
	}
	if !strings.Contains(out.String(), "ig8_live_3fKq9_****") {
		t.Errorf("the key cannot be found by its id: %s", out.String())
	}
}

func TestWhatIsNoSecretStaysReadable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	observe.NewLogger(&out, slog.LevelInfo, "json").LogAttrs(t.Context(), slog.LevelInfo, "done",
		slog.Int("prompt_token", 12), slog.String("idempotency_key", "k-1"), slog.String("keyword", "tea pots"),
		slog.Duration("took", time.Second), slog.String("url", "https://example.com/a:b@c?page=2"), slog.Any("error", nil))
	record := logged(t, &out)
	for name, want := range map[string]any{
		"prompt_token": 12.0, "idempotency_key": "k-1", "keyword": "tea pots", "took": 1e9,
		"url": "https://example.com/a:b@c?page=2", "error": nil, "msg": "done", "level": "INFO",
	} {
		if record[name] != want {
			t.Errorf("%s is %v, want %v", name, record[name], want)
		}
	}
}
