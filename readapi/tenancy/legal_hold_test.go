package tenancy_test

import (
	"testing"

	"github.com/igny8/igny8/commands"
)

func TestThePlatformHoldsAnAccountAndItsAdministratorsSeeIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "platform/accounts/" + w.ann.String() + "/legal-hold/"
	developer := []string{"Authorization", "Bearer developer@bob"}
	shows := func(a *answer, inForce bool, reason any) {
		t.Helper()
		a.want(200, "")
		if a.data("in_force") != inForce || a.data("reason") != reason || a.data("account_id") != w.ann.String() || (a.data("placed_at") != nil) != inForce {
			t.Errorf("it shows %s", a.raw)
		}
	}
	shows(w.do("GET", "account/legal-hold/", ""), false, nil)
	w.do("GET", "account/legal-hold/", "", "Authorization", "Bearer editor@ann").want(403, "forbidden")
	for _, method := range []string{"GET", "POST"} {
		w.do(method, path, `{"reason":"mine"}`).want(403, "forbidden")
	}
	w.do("POST", path, `{"reason":" "}`, developer...).want(400, "invalid")
	w.do("POST", "platform/accounts/"+commands.NewID().String()+"/legal-hold/", `{"reason":"x"}`, developer...).want(404, "not_found")
	w.do("POST", "platform/accounts/x/legal-hold/", `{"reason":"x"}`, developer...).want(404, "not_found")

	placed := w.do("POST", path, `{"reason":"Preservation request 7"}`, developer...)
	shows(placed, true, "Preservation request 7")
	if placed.header.Get("X-Consistency-Token") == "" {
		t.Error("a write without a consistency token")
	}
	again := w.do("POST", path, `{"reason":"another"}`, developer...)
	shows(again, true, "Preservation request 7")
	if again.header.Get("ETag") != placed.header.Get("ETag") {
		t.Error("a second hold recorded something")
	}
	shows(w.do("GET", "account/legal-hold/", "", "Authorization", "Bearer admin@ann"), true, "Preservation request 7")
	shows(w.do("GET", path, "", developer...), true, "Preservation request 7")
	if bobs := w.do("GET", "account/legal-hold/", "", "Authorization", "Bearer owner@bob").want(200, ""); bobs.data("in_force") != false {
		t.Errorf("another account shows %s", bobs.raw)
	}
	shows(w.do("POST", path+"lift/", `{"reason":"over"}`, developer...), false, nil)
	shows(w.do("POST", path+"lift/", `{"reason":"over"}`, developer...), false, nil)
}
