package e2etest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/igny8/igny8/cmd/igny8/e2etest"
)

// credits is an account's balance.
func credits(t *testing.T, c *e2etest.Client) (available, total int64) {
	t.Helper()
	var answer struct {
		Data struct{ Available, Total int64 }
	}
	if err := json.Unmarshal(c.Get("billing/credits/balance/").Body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data.Available, answer.Data.Total
}

func TestWhoSignsUpGetsTheCreditsOfTheirPlanOnceAlsoAcrossAKill(t *testing.T) {
	t.Parallel()
	i := e2etest.Install(t, program).Start()
	c := i.SignUp(t, "frances")
	i.Kill()
	i.Start()
	deadline := time.Now().Add(20 * time.Second)
	for {
		available, total := credits(t, c)
		if available == 1000 && total == 1000 {
			break
		}
		if total > 1000 || time.Now().After(deadline) {
			t.Fatalf("%d of %d credits are available, want 1000", available, total)
		}
		time.Sleep(20 * time.Millisecond)
	}
	events, _ := c.Get("system/events/?types=billing.*").Events(t)
	if len(events) != 2 || events[0].Type != "igny8.billing.ledger.opened.v1" || events[1].Type != "igny8.billing.ledger.granted.v1" {
		t.Errorf("the ledger was opened by %+v", events)
	}
	if costs := c.Get("billing/credits/costs/").List(t); len(costs.Results) != 8 {
		t.Errorf("%d operations have a price, want 8", len(costs.Results))
	}
}
