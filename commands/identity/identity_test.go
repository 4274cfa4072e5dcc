package identity_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/identity"
	tenancycommands "github.com/igny8/igny8/commands/tenancy"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/identity"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/infra/credentials"
	"github.com/igny8/igny8/infra/eventstore/memory"
	"github.com/igny8/igny8/infra/jwt"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	"github.com/igny8/igny8/infra/vault"
)

var ada = identity.SignUp{
	Email: "Ada@Example.org", Password: "analytical engine", FirstName: "Ada", LastName: "Lovelace",
	NewAccount: domain.NewAccount{Name: "Engines", Plan: tenancy.FreePlan},
}

func TestWhoSignsUpOwnsAnAccountAndIsLoggedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	login := w.signUp(t, ada)
	if login.Account.Slug != "engines" || *login.Account.OwnerID != login.User || login.Account.PlanSlug != tenancy.FreePlan {
		t.Errorf("the account is %+v", login.Account)
	}
	who := w.identify(t, login.AccessToken)
	if who.User != login.User || who.Account != login.Account.ID || who.Role != es.Owner {
		t.Errorf("the access token speaks for %+v", who)
	}
	for _, email := range []string{"ada@example.org", " ADA@EXAMPLE.ORG "} {
		again, err := w.LogIn(t.Context(), asked(), email, ada.Password)
		if err != nil || again.User != login.User || again.Account != login.Account && again.Account.ID != login.Account.ID {
			t.Errorf("%q logs in as %+v, %v", email, again.User, err)
		}
	}
}

func TestNothingPersonalOrSecretIsReadableInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	login := w.signUp(t, ada)
	page, err := w.log.Read(t.Context(), 0, es.Filter{Account: login.Account.ID}, 100)
	if err != nil || len(page.Events) != 2 {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	for _, rec := range page.Events {
		for _, secret := range []string{"Ada", "Lovelace", "xample.org", "analytical", login.AccessToken, login.RefreshToken} {
			if strings.Contains(string(rec.Data), secret) {
				t.Errorf("%q is in the data of %s: %s", secret, rec.Type, rec.Data)
			}
		}
	}
}

func TestASignUpIsToldEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		up   identity.SignUp
		want []string
	}{
		"empty":                {identity.SignUp{}, []string{"account_name", "email", "first_name", "password", "plan_slug"}},
		"short password":       {with(func(s *identity.SignUp) { s.Password = "1234567" }), []string{"password"}},
		"long password":        {with(func(s *identity.SignUp) { s.Password = strings.Repeat("ä", 129) }), []string{"password"}},
		"password is e-mail":   {with(func(s *identity.SignUp) { s.Password = "ADA@example.org" }), []string{"password"}},
		"no such plan":         {with(func(s *identity.SignUp) { s.Plan = "gold" }), []string{"plan_slug"}},
		"an internal plan":     {with(func(s *identity.SignUp) { s.Plan = tenancy.InternalPlan }), []string{"plan_slug"}},
		"plan and e-mail both": {with(func(s *identity.SignUp) { s.Plan, s.Email = "gold", "x" }), []string{"email", "plan_slug"}},
	} {
		_, err := w.SignUp(t.Context(), asked(), c.up)
		var e *es.Error
		if !errors.As(err, &e) || e.Class != es.Invalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for field := range e.Fields {
			got = append(got, field)
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("%s: faults of %v, want %v", name, got, c.want)
		}
		if text := fmt.Sprint(e, e.Fields); c.up.Password != "" && strings.Contains(text, c.up.Password) {
			t.Errorf("%s: the password is in the refusal: %s", name, text)
		}
	}
	w.signUp(t, with(func(s *identity.SignUp) { s.Password = strings.Repeat("ä", 128) }))
}

func TestAnAddressIsOnePersonsUnder32ConcurrentSignUps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var wg sync.WaitGroup
	won := 0
	for range 32 {
		wg.Go(func() {
			_, err := w.SignUp(t.Context(), asked(), ada)
			var e *es.Error
			switch {
			case err == nil:
				mu.Lock()
				won++
				mu.Unlock()
			case !errors.As(err, &e) || e.Word() != "taken" || len(e.Fields["email"]) == 0:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d signed up", won)
	}
	if n := w.count(t, "credentials"); n != 1 {
		t.Errorf("%d passwords are kept", n)
	}
}

func TestASignUpThatWasCutIsFinishedByARepeatOrByItself(t *testing.T) {
	t.Parallel()
	for _, cut := range []string{"password kept", "user registered"} {
		for _, finish := range []string{"a repeat", "the reaction", "both at once"} {
			t.Run(cut+", "+finish, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				by := asked()
				w.dieAt(t, cut, func(s *identity.Service) { _, _ = s.SignUp(t.Context(), by, ada) })
				var wg sync.WaitGroup
				if finish != "the reaction" {
					wg.Go(func() {
						if _, err := w.SignUp(t.Context(), by, ada); err != nil {
							t.Error(err)
						}
					})
				}
				if finish != "a repeat" {
					wg.Go(func() { w.react(t) })
				}
				wg.Wait()
				w.react(t)
				w.react(t)
				accounts := len(w.events(t, "tenancy.account.created.v1")) - 1 // the platform's
				switch {
				case cut == "password kept" && finish == "the reaction":
					if accounts != 0 {
						t.Errorf("%d accounts without a user", accounts)
					}
					w.signUp(t, ada) // anew: the address is still free
				case accounts != 1 || len(w.events(t, "identity.user.registered.v1")) != 1:
					t.Errorf("%d accounts", accounts)
				}
				login, err := w.LogIn(t.Context(), asked(), ada.Email, ada.Password)
				if err != nil || login.Account.ID == (es.ID{}) || *login.Account.OwnerID != login.User {
					t.Errorf("logged in: %+v, %v", login.Account, err)
				}
			})
		}
	}
}

func TestARepeatedSignUpIsTheSameOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := asked()
	var logins [2]identity.Login
	for i := range logins {
		var err error
		if logins[i], err = w.SignUp(t.Context(), by, ada); err != nil {
			t.Fatal(err)
		}
	}
	if logins[0].User != logins[1].User || len(w.events(t, "identity.user.registered.v1")) != 1 {
		t.Error("a repeat signed up somebody else")
	}
	if logins[0].RefreshToken == logins[1].RefreshToken {
		t.Error("a repeat gave the same secret")
	}
}

func TestAWrongLoginDoesNotTellWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, ada)
	var said []string
	for _, c := range [][2]string{
		{ada.Email, "wrong password"},
		{"bob@example.org", ada.Password},
		{"", ""},
		{ada.Email, ""},
		{ada.Email, strings.Repeat("x", 100_000)},
		{"not an address", "x"},
		{ada.Email, ada.Password + " "},
	} {
		_, err := w.LogIn(t.Context(), asked(), c[0], c[1])
		if es.ClassOf(err) != es.Unauthorized {
			t.Errorf("%.40q: %v", c, err)
		}
		said = append(said, fmt.Sprint(err))
	}
	if slices.Sort(said); len(slices.Compact(said)) != 1 {
		t.Errorf("it says %v", said)
	}
}

func TestADeletedUserIsLoggedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.signUp(t, ada)
	editor := w.join(t, owner.Account.ID, "bob@example.org", es.Editor)
	if _, err := w.bus.Do(t.Context(), commands.Request{
		Tenant: es.Tenant{Account: owner.Account.ID}, Actor: es.System(), Target: editor.User,
		Payload: commands.Delete{Kind: domain.UserKind.Name},
	}); err != nil {
		t.Fatal(err)
	}
	w.react(t)
	if _, err := w.Identify(t.Context(), editor.AccessToken); es.ClassOf(err) != es.Unauthorized {
		t.Errorf("the access token: %v", err)
	}
	if _, err := w.Renew(t.Context(), asked(), editor.RefreshToken); es.ClassOf(err) != es.Unauthorized {
		t.Errorf("the refresh token: %v", err)
	}
	if _, err := w.LogIn(t.Context(), asked(), "bob@example.org", ada.Password); es.ClassOf(err) != es.Unauthorized {
		t.Errorf("the password: %v", err)
	}
	w.identify(t, owner.AccessToken)
}

func TestRefreshTokensRenewUntilLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	login := w.signUp(t, ada)
	next, err := w.Renew(t.Context(), asked(), login.RefreshToken)
	if err != nil || next.User != login.User || next.RefreshToken == login.RefreshToken {
		t.Fatalf("%+v, %v", next, err)
	}
	who := w.identify(t, next.AccessToken)
	for range 2 {
		if err := w.LogOut(t.Context(), who.Account, who.User, who.Session, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Renew(t.Context(), asked(), next.RefreshToken); es.ClassOf(err) != es.Unauthorized {
		t.Errorf("after the logout: %v", err)
	}
	other, err := w.LogIn(t.Context(), asked(), ada.Email, ada.Password)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.LogOut(t.Context(), who.Account, who.User, who.Session, other.RefreshToken); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Renew(t.Context(), asked(), other.RefreshToken); es.ClassOf(err) != es.Unauthorized {
		t.Errorf("after the logout by refresh token: %v", err)
	}
}

func TestAnErasedPersonIsGoneFromMemoryToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.signUp(t, ada)
	bob := w.join(t, owner.Account.ID, "bob@example.org", es.Editor)
	if _, err := w.vault.Erase(t.Context(), owner.Account.ID, bob.User); err != nil {
		t.Fatal(err)
	}
	w.bus.Forget(owner.Account.ID)
	for name, bus := range map[string]*commands.Bus{"here": w.bus, "in another process": w.newBus(t)} {
		user, err := commands.Load(t.Context(), bus, domain.UserKind, owner.Account.ID, bob.User)
		if err != nil || !user.Email.IsErased() || !user.FirstName.IsErased() || user.Role != es.Editor {
			t.Errorf("%s the erased user reads %+v, %v", name, user, err)
		}
	}
	if me, err := commands.Load(t.Context(), w.bus, domain.UserKind, owner.Account.ID, owner.User); err != nil || me.FirstName.String() != "Ada" {
		t.Errorf("their neighbour reads %q, %v", me.FirstName, err)
	}
}

func TestNobodyGivesARoleAboveTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.signUp(t, ada)
	_, err := w.bus.Do(t.Context(), commands.Request{
		Tenant: es.Tenant{Account: owner.Account.ID}, Actor: es.Actor{Kind: es.UserActor, ID: owner.User, Role: es.Owner},
		Payload: identity.RegisterUser{NewUser: domain.NewUser{Email: "x@example.org", FirstName: "X", Role: es.Developer}},
	})
	if es.ClassOf(err) != es.Forbidden {
		t.Errorf("%v", err)
	}
}

func TestAnAdministratorOfThePlatformIsADeveloperThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := identity.NewAdmin{Email: "root@example.org", Password: "correct horse", FirstName: "Grace"}
	user, err := w.CreateAdmin(t.Context(), es.PlatformAccount, admin)
	if err != nil {
		t.Fatal(err)
	}
	login, err := w.LogIn(t.Context(), asked(), admin.Email, admin.Password)
	if err != nil {
		t.Fatal(err)
	}
	if who := w.identify(t, login.AccessToken); who.User != user || who.Account != es.PlatformAccount || who.Role != es.Developer {
		t.Errorf("they are %+v", who)
	}
	if _, err := w.CreateAdmin(t.Context(), es.PlatformAccount, admin); es.ClassOf(err) != es.Conflict {
		t.Errorf("a second time: %v", err)
	}
	if _, err := w.CreateAdmin(t.Context(), es.PlatformAccount, identity.NewAdmin{}); es.ClassOf(err) != es.Invalid {
		t.Errorf("without anything: %v", err)
	}
	if n := w.count(t, "credentials"); n != 1 {
		t.Errorf("%d passwords are kept", n)
	}
}

// world is the identity module with real secrets and a log in memory.
type world struct {
	*identity.Service
	bus   *commands.Bus
	log   *memory.Store
	db    *pgtest.DB
	vault *vault.Vault
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{log: memory.New(), db: pgtest.New(t)}
	master, err := vault.OpenMasterKey(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	w.vault = vault.New(w.db.Postgres.Pool(postgres.RoleAppender), master, vault.Config{PersonalScopes: []string{domain.EmailScope}})
	w.bus = w.newBus(t)
	if err := tenancycommands.Seed(t.Context(), w.bus); err != nil {
		t.Fatal(err)
	}
	logins := w.db.Postgres.Pool(postgres.RoleLogin)
	cheap := credentials.NewHasher(credentials.Cost{Memory: 64, Time: 1, Threads: 1})
	w.Service = &identity.Service{
		Bus: w.bus, Accounts: accounts{w.bus, tenancycommands.Accounts{Bus: w.bus}},
		Passwords: credentials.NewPasswords(logins, cheap), Refresh: credentials.NewTokens(logins),
		Access: jwt.NewRing(w.vault, time.Now), Emails: w.log, ClaimKeys: w.vault,
	}
	return w
}

func (w *world) newBus(*testing.T) *commands.Bus {
	registry := es.NewRegistry(domain.UserKind, tenancy.AccountKind, tenancy.PlanKind)
	bus := commands.New(w.log, w.vault, registry, slices.Concat(identity.Ops(), tenancycommands.Ops()), commands.Config{})
	return bus.WithAccounts(tenancycommands.Accounts{Bus: bus})
}

// dieAt runs f on a service of its own that ends at a step as a killed process
// does: nothing after the step happens, not even what was deferred in a process.
func (w *world) dieAt(t *testing.T, step string, f func(*identity.Service)) {
	t.Helper()
	dying := *w.Service
	dying.Step = func(name string) {
		if name == step {
			runtime.Goexit()
		}
	}
	done := make(chan struct{})
	finished := false
	go func() {
		defer close(done)
		f(&dying)
		finished = true
	}()
	<-done
	if finished {
		t.Fatalf("there is no step %q", step)
	}
}

// react calls the module's reactions for the whole log, as a follower that lost
// its checkpoint does.
func (w *world) react(t *testing.T) {
	t.Helper()
	registry := es.NewRegistry(domain.UserKind, tenancy.AccountKind, tenancy.PlanKind)
	page, err := w.log.Read(t.Context(), 0, es.Filter{}, 1000)
	if err != nil {
		t.Error(err)
	}
	for _, rec := range page.Events {
		e, err := registry.Decode(rec)
		if err != nil {
			t.Error(err)
		}
		for _, reaction := range []commands.Reaction{identity.OpensAccount(w.Accounts), identity.EndsSessions(w.Refresh)} {
			if err := reaction(t.Context(), rec, e); err != nil {
				t.Error(err)
			}
		}
	}
}

func (w *world) signUp(t *testing.T, up identity.SignUp) identity.Login {
	t.Helper()
	login, err := w.SignUp(t.Context(), asked(), up)
	if err != nil {
		t.Fatal(err)
	}
	return login
}

// join makes another user of an account and logs them in with ada's password.
func (w *world) join(t *testing.T, account es.ID, email string, role es.Role) identity.Login {
	t.Helper()
	user := uuid.New()
	if _, err := w.bus.Do(t.Context(), commands.Request{
		Tenant: es.Tenant{Account: es.PlatformAccount}, Actor: es.System(), Target: tenancy.PlanID(tenancy.FreePlan),
		Payload: tenancycommands.ChangePlan{PlanTerms: seats(2)},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Passwords.Create(t.Context(), account, user, ada.Password); err != nil {
		t.Fatal(err)
	}
	if _, err := w.bus.Do(t.Context(), commands.Request{
		Tenant: es.Tenant{Account: account}, Actor: es.System(), Target: user,
		Payload: identity.RegisterUser{NewUser: domain.NewUser{Email: email, FirstName: "Bob", Role: role}},
	}); err != nil {
		t.Fatal(err)
	}
	login, err := w.LogIn(t.Context(), asked(), email, ada.Password)
	if err != nil {
		t.Fatal(err)
	}
	return login
}

func seats(n int64) tenancy.PlanTerms {
	terms := tenancy.SeedPlans()[0].PlanTerms
	terms.MaxUsers = n
	return terms
}

func (w *world) identify(t *testing.T, token string) identity.Bearer {
	t.Helper()
	who, err := w.Identify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func (w *world) events(t *testing.T, typ string) []es.Recorded {
	t.Helper()
	page, err := w.log.Read(t.Context(), 0, es.Filter{Types: []string{typ}}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return page.Events
}

func (w *world) count(t *testing.T, table string) (n int) {
	t.Helper()
	if err := w.db.Postgres.Pool(postgres.RoleLogin).QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func asked() identity.Asked {
	id := commands.NewID()
	return identity.Asked{Command: id, Request: "test-" + id.String()}
}

func with(change func(*identity.SignUp)) identity.SignUp {
	up := ada
	change(&up)
	return up
}

// accounts is the tenancy module as identity asks it.
type accounts struct {
	bus     *commands.Bus
	tenancy tenancycommands.Accounts
}

func (a accounts) CheckPlan(ctx context.Context, slug string) error {
	plan, err := a.tenancy.Plan(ctx, slug)
	if err == nil && !plan.Selectable() {
		return es.Field("plan_slug", "There is no such plan.")
	}
	return err
}

func (a accounts) Open(ctx context.Context, r commands.Request, owner es.ID, n domain.NewAccount) (commands.Outcome, error) {
	return tenancycommands.Open(ctx, a.bus, r, tenancycommands.CreateAccount{Name: n.Name, Owner: owner, Plan: n.Plan})
}

func (a accounts) Account(ctx context.Context, id es.ID) (identity.AccountSummary, error) {
	account, _, err := a.tenancy.Account(ctx, id)
	if err != nil || !account.Exists() {
		return identity.AccountSummary{}, err
	}
	return identity.AccountSummary{
		ID: id, Name: account.Name, Slug: account.Slug, OwnerID: &account.Owner,
		PlanSlug: account.Plan, Status: string(account.Status),
	}, nil
}
