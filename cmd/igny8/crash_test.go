package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// faultFile names the environment variable that names the file that says where
// the process is to die: "3 appended" is at the third step of that name.
const faultFile = "TEST_OF_IGNY8_FAULT_FILE"

// mortalChunk is how many bulk commands go out at once, so few that a cascade is
// cut between some of its children and others.
const mortalChunk = 50

// killingItself is a step that ends the process with SIGKILL where the file says
// so, from when it says so.
func killingItself(file string) func(string) {
	var mu sync.Mutex
	passed := map[string]int{}
	return func(step string) {
		mu.Lock()
		defer mu.Unlock()
		text, err := os.ReadFile(file)
		if err != nil {
			return
		}
		var times int
		if _, err := fmt.Sscan(string(text), &times); err != nil || !strings.HasSuffix(string(text), " "+step) {
			return
		}
		if passed[string(text)]++; passed[string(text)] == times {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}

// mortal is an installation whose process dies where a test wants.
type mortal struct {
	*e2etest.Installation
	t    *testing.T
	file string
}

func installMortal(t *testing.T) *mortal {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fault")
	program := e2etest.Program{Path: os.Args[0], Env: []string{testProcess + "=mortal", faultFile + "=" + file}}
	// A dead holder's Idempotency-Key is free after the time of a request.
	return &mortal{e2etest.Install(t, program, "IGNY8_REQUEST_TIMEOUT=2s").Start(), t, file}
}

// fault is a step, and at which time that it comes.
type fault struct {
	step  string
	times int
}

func (f fault) String() string { return fmt.Sprintf("%d %s", f.times, f.step) }

// arm has the process, or the next one, die at the fault.
func (m *mortal) arm(f fault) {
	m.t.Helper()
	next := m.file + ".next"
	if err := os.WriteFile(next, []byte(f.String()), 0o600); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Rename(next, m.file); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mortal) disarm() {
	m.t.Helper()
	if err := os.Remove(m.file); err != nil {
		m.t.Fatal(err)
	}
}

// cut is a request that was cut off.
type cut struct {
	fault
	method, path string
	body         any
	key          e2etest.Header
}

// cut sends a request under a key, has the process die at the fault, and starts
// it anew.
func (m *mortal) cut(c *e2etest.Client, f fault, method, path string, body any) cut {
	m.t.Helper()
	key := e2etest.Key("cut at " + f.String() + " of " + method + " " + path)
	m.arm(f)
	if a, err := c.Send(method, path, body, key); err == nil {
		m.t.Fatalf("killed at %s, it still answered %s", f, a)
	}
	m.Died()
	m.disarm()
	m.Start()
	return cut{f, method, path, body, key}
}

// repeat sends the same again until it is answered. A third time it must be
// answered the same, save what is secret.
func (m *mortal) repeat(c *e2etest.Client, r cut, status int) e2etest.Answer {
	m.t.Helper()
	answer := c.Until(r.method, r.path, r.body, r.key).Expect(m.t, status)
	if replayed := answer.Header.Get("Idempotency-Replayed") == "true"; replayed != (r.step == "answer kept") {
		m.t.Errorf("killed at %s, the second request is replayed: %v", r, replayed)
	}
	again := c.Do(status, r.method, r.path, r.body, r.key)
	if again.Header.Get("Idempotency-Replayed") != "true" {
		m.t.Errorf("killed at %s, the third request is not replayed", r)
	}
	for _, name := range []string{"ETag", "Location", "X-Consistency-Token"} {
		if answer.Header.Get(name) != again.Header.Get(name) {
			m.t.Errorf("killed at %s, %s is %q and then %q", r, name, answer.Header.Get(name), again.Header.Get(name))
		}
	}
	first := answer.Without(m.t, "request_id", "access_token", "refresh_token")
	if second := again.Without(m.t, "request_id", "access_token", "refresh_token"); first != second {
		m.t.Errorf("killed at %s, it answers\n%s\nand then\n%s", r, first, second)
	}
	return answer
}

// happened wants exactly these events of an aggregate.
func (m *mortal) happened(c *e2etest.Client, f fault, kind, id string, want ...string) {
	m.t.Helper()
	var got []string
	events, _ := c.Get("system/events/?limit=1000&types=" + kind + ".*").Events(m.t)
	for _, e := range events {
		if e.Subject == kind+"/"+id {
			got = append(got, strings.TrimPrefix(e.Type, "igny8."+kind+"."))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		m.t.Errorf("killed at %s, what happened to %s/%s is %v, want %v", f, kind, id, got, want)
	}
}

// everyStep is every step of a request that is one command.
func everyStep() []fault {
	return []fault{{"key reserved", 1}, {"prepared", 1}, {"decided", 1}, {"appended", 1}, {"answer known", 1}, {"answer kept", 1}}
}

// sector makes a site and a sector.
func sector(t *testing.T, c *e2etest.Client) (site, sector string) {
	t.Helper()
	site = c.Do(http.StatusCreated, "POST", "auth/sites/", map[string]string{"name": "S", "domain": "s.example.com", "industry": "technology-software"}, nil).Data(t).ID
	sector = c.Do(http.StatusCreated, "POST", "auth/sectors/", map[string]string{"site_id": site, "name": "A"}, nil).Data(t).ID
	return site, sector
}

func TestACreateTakesEffectOnceWhereverTheProcessDies(t *testing.T) {
	t.Parallel()
	m := installMortal(t)
	c := m.SignUp(t, "grace")
	site, in := sector(t, c)
	var cuts []cut
	for _, f := range everyStep() {
		body := map[string]any{"site_id": site, "sector_id": in, "keyword": f.String()}
		cuts = append(cuts, m.cut(c, f, "POST", "planner/keywords/", body))
	}
	var last e2etest.Answer
	for _, r := range cuts {
		last = m.repeat(c, r, http.StatusCreated)
		m.happened(c, r.fault, "planner.keyword", last.Data(t).ID, "created.v1")
	}
	m.keywords(c, last, len(cuts))
}

func TestAChangeAndADeleteTakeEffectOnceWhereverTheProcessDies(t *testing.T) {
	t.Parallel()
	m := installMortal(t)
	c := m.SignUp(t, "edsger")
	site, in := sector(t, c)
	var changes, deletes []cut
	create := func(keyword string) string {
		body := map[string]any{"site_id": site, "sector_id": in, "keyword": keyword}
		return "planner/keywords/" + c.Do(http.StatusCreated, "POST", "planner/keywords/", body, nil).Data(t).ID + "/"
	}
	for _, f := range everyStep() {
		changes = append(changes, m.cut(c, f, "PATCH", create(f.String()+" of a change"), map[string]any{"volume": 7}))
		deletes = append(deletes, m.cut(c, f, "DELETE", create(f.String()+" of a delete"), nil))
	}
	for _, r := range changes {
		a := m.repeat(c, r, http.StatusOK)
		if row := a.Data(t); row.Revision != 2 || *row.Volume != 7 {
			t.Errorf("killed at %s, the change answers %s", r, a)
		}
		m.happened(c, r.fault, "planner.keyword", a.Data(t).ID, "created.v1", "changed.v1")
	}
	for _, r := range deletes {
		a := m.repeat(c, r, http.StatusOK)
		if row := a.Data(t); row.Revision != 2 || row.DeletedAt == nil {
			t.Errorf("killed at %s, the delete answers %s", r, a)
		}
		m.happened(c, r.fault, "planner.keyword", a.Data(t).ID, "created.v1", "deleted.v1")
		m.keywords(c, a, len(changes)+len(deletes))
	}
}

func TestABulkOfCreatesTakesEffectOnceWhereverTheProcessDies(t *testing.T) {
	t.Parallel()
	m := installMortal(t)
	c := m.SignUp(t, "barbara")
	site, in := sector(t, c)
	var cuts []cut
	for _, f := range append(everyStep(), fault{"prepared", 10}, fault{"decided", 5}, fault{"appended", 7}) {
		items := make([]map[string]any, 10)
		for n := range items {
			items[n] = map[string]any{"site_id": site, "sector_id": in, "keyword": fmt.Sprintf("%s, item %d", f, n)}
		}
		cuts = append(cuts, m.cut(c, f, "POST", "planner/keywords/bulk_create/", map[string]any{"items": items}))
	}
	var last e2etest.Answer
	for _, r := range cuts {
		last = m.repeat(c, r, http.StatusOK)
		for n, item := range last.Items(t) {
			if item.Status != http.StatusCreated {
				t.Errorf("killed at %s, item %d is %+v", r, n, item)
				continue
			}
			m.happened(c, r.fault, "planner.keyword", item.Data.ID, "created.v1")
		}
	}
	m.keywords(c, last, 10*len(cuts))
}

func TestASignUpTakesEffectOnceWhereverTheProcessDies(t *testing.T) {
	t.Parallel()
	m := installMortal(t)
	faults := append(everyStep(),
		fault{"password kept", 1}, fault{"user registered", 1}, fault{"prepared", 2}, fault{"decided", 2}, fault{"appended", 2})
	var cuts []cut
	for n, f := range faults {
		cuts = append(cuts, m.cut(m.Nobody(t), f, "POST", "auth/register/", map[string]string{
			"email": fmt.Sprintf("person%d@example.org", n), "password": "correct horse battery", "first_name": "P",
			"account_name": "One & Co", "plan_slug": "free",
		}))
	}
	for n, r := range cuts {
		c := m.Nobody(t)
		m.repeat(c, r, http.StatusCreated)
		c.Email, c.Password = fmt.Sprintf("person%d@example.org", n), "correct horse battery"
		c.LogIn()
		events, _ := c.Get("system/events/?types=identity.*,tenancy.*").Events(t)
		if len(events) != 2 || events[0].Type != "igny8.identity.user.registered.v1" || events[1].Type != "igny8.tenancy.account.created.v1" {
			t.Errorf("killed at %s, the account's events are %+v", r, events)
		}
	}
	out := m.Run("events", "pull", "--types=identity.user.registered.v1", "--limit=0", "--json")
	if people := strings.Count(out.Stdout, "\n"); out.Code != 0 || people != len(faults) {
		t.Errorf("%d people signed up, want %d: %s", people, len(faults), out.Stderr)
	}
}

// keywords wants that many in the account as of an answer, deleted ones too.
func (m *mortal) keywords(c *e2etest.Client, asOf e2etest.Answer, want int) {
	m.t.Helper()
	token := e2etest.Header{"X-Consistency-Token": asOf.Header.Get("X-Consistency-Token")}
	if l := c.Do(http.StatusOK, "GET", "planner/keywords/?deleted=with", nil, token).List(m.t); *l.Count != want {
		m.t.Errorf("there are %d keywords, want %d", *l.Count, want)
	}
}
