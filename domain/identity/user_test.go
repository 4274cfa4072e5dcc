package identity_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/es/estest"
	"github.com/igny8/igny8/domain/identity"
)

type register identity.NewUser

func (r register) Decide(_ es.Env, u identity.User) ([]es.Event, error) {
	return u.Register(identity.NewUser(r))
}

type rename [2]string

func (r rename) Decide(env es.Env, u identity.User) ([]es.Event, error) {
	return u.ChangeProfile(env, r[0], r[1])
}

var ada = register{Email: "Ada@Example.org", FirstName: "Ada", LastName: "Lovelace", Role: es.Editor}

func registered(r register) identity.UserRegistered {
	return identity.UserRegistered{
		Email: es.NewPersonal(r.Email), FirstName: es.NewPersonal(r.FirstName), LastName: es.NewPersonal(r.LastName),
		Role: r.Role, Opens: r.Opens,
	}
}

func TestAPersonRegistersWithTidyNames(t *testing.T) {
	t.Parallel()
	untidy := register{Email: "  Ada@Example.org ", FirstName: " Ada\t", LastName: "Love  lace", Role: es.Editor}
	tidy := ada
	tidy.LastName = "Love lace"
	estest.Given(t, identity.UserKind).When(untidy).Then(registered(tidy))
}

func TestWhoSignsUpSaysWhichAccountFollows(t *testing.T) {
	t.Parallel()
	owner := ada
	owner.Role, owner.Opens = es.Owner, &identity.NewAccount{Name: "Engines", Plan: "free"}
	estest.Given(t, identity.UserKind).When(owner).Then(registered(owner))
	owner.Opens = &identity.NewAccount{Name: " "}
	estest.Given(t, identity.UserKind).When(owner).ThenFaulty("account_name", "plan_slug")
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	wrong := register{Email: "ada", LastName: strings.Repeat("x", 101), Role: "king"}
	estest.Given(t, identity.UserKind).When(wrong).ThenFaulty("email", "first_name", "last_name", "role")
	wrong = register{FirstName: "A\x00da", Role: es.Viewer}
	estest.Given(t, identity.UserKind).When(wrong).ThenFaulty("email", "first_name")
}

func TestOnlyAddressesAreEmailAddresses(t *testing.T) {
	t.Parallel()
	for address, valid := range map[string]bool{
		"ada@example.org": true, "a.b+c@sub.example.co": true, "ädä@exämple.org": true, "o'hara@example.org": true,
		"ada": false, "@example.org": false, "ada@": false, "ada@example": false, "ada@@example.org": false,
		"Ada <ada@example.org>": false, "ada@example..org": false, "ada@.example.org": false, "ada@exa mple.org": false,
		"a da@example.org": false, "ada@[127.0.0.1]": false, "ada@-example.org": false, "ada@example.org\nBcc: x@y.z": false,
		strings.Repeat("a", 65) + "@example.org": false, "ada@" + strings.Repeat("a", 64) + ".org": false,
		"ada@" + strings.Repeat("a.", 125) + "org": false, "ada@example.org,b@example.org": false,
	} {
		r := ada
		r.Email = address
		result := estest.Given(t, identity.UserKind).When(r)
		if valid {
			result.Then(registered(r))
		} else {
			result.ThenFaulty("email")
		}
	}
}

func TestTheSameAddressHasOneKeyHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, written := range []string{"ädä@example.org", "ÄDÄ@EXAMPLE.ORG", " a\u0308da\u0308@example.org\n"} {
		if got := identity.EmailKey(written); got != "ädä@example.org" {
			t.Errorf("%q has the key %q", written, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		key := identity.EmailKey(rapid.String().Draw(t, "address"))
		if again := identity.EmailKey(key); again != key {
			t.Fatalf("the key of the key %q is %q", key, again)
		}
	})
}

func TestPeopleRenameThemselvesAndAdministratorsEverybody(t *testing.T) {
	t.Parallel()
	renamed := identity.UserProfileChanged{FirstName: es.NewPersonal("Augusta"), LastName: es.NewPersonal("King")}
	past := registered(ada)
	for _, c := range []struct {
		actor es.Actor
		may   bool
	}{
		{es.Actor{Kind: es.UserActor, ID: estest.Target, Role: es.Viewer}, true},
		{es.Actor{Kind: es.UserActor, ID: estest.Site, Role: es.Admin}, true},
		{es.Actor{Kind: es.UserActor, ID: estest.Site, Role: es.Editor}, false},
	} {
		result := estest.Given(t, identity.UserKind, past).By(c.actor).When(rename{"Augusta ", "King"})
		if c.may {
			result.Then(renamed)
		} else {
			result.ThenRefused(es.Forbidden, "")
		}
	}
	estest.Given(t, identity.UserKind, past).When(rename{"Ada", " Lovelace"}).ThenNothing()
	estest.Given(t, identity.UserKind, past).When(rename{"", "x"}).ThenFaulty("first_name")
}

func TestAnAccountsOwnerIsKept(t *testing.T) {
	t.Parallel()
	owner := ada
	owner.Role = es.Owner
	estest.Given(t, identity.UserKind, registered(owner)).Delete("").ThenRefused(es.Conflict, "owner")
}

func TestALiveUserHoldsTheirAddressAndASeat(t *testing.T) {
	t.Parallel()
	estest.CheckLifecycle(t, identity.UserKind,
		func(t *rapid.T) estest.Decider[identity.User] {
			r := ada
			r.Email = rapid.SampledFrom([]string{"a@example.org", "B@example.org"}).Draw(t, "email")
			return r
		},
		func(t *rapid.T) estest.Decider[identity.User] {
			return rename{rapid.SampledFrom([]string{"Ada", "Bob", ""}).Draw(t, "first name"), "x"}
		})
	held := identity.UserKind.HeldBy(estest.Given(t, identity.UserKind, registered(ada)).State())
	if len(held.Unique) != 1 || held.Unique[0].Key != "ada@example.org" || !held.Unique[0].Global || !held.Unique[0].Personal ||
		len(held.Counts) != 1 || held.Counts[0].Resource != "users" {
		t.Errorf("a user holds %+v", held)
	}
}
