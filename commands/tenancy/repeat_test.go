package tenancy_test

import (
	"context"
	"testing"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es"
	domain "github.com/igny8/igny8/domain/planner"
	"github.com/igny8/igny8/domain/tenancy"
)

func TestARepeatIsAnsweredAsThenAlsoWhenItsParentIsGoneByNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.site("A")
	sector := w.sector(site, "B")
	ask := func(r commands.Request) (commands.Outcome, error) {
		r.Tenant.Account, r.Actor = w.account, es.Actor{Kind: es.UserActor, Role: es.Owner}
		return w.bus.Do(context.Background(), r)
	}
	create := commands.Request{
		Command: commands.NewID(), Tenant: es.Tenant{Site: site, Sector: sector}, Payload: planner.CreateKeyword{Keyword: "crm"},
	}
	created, err := ask(create)
	if err != nil {
		t.Fatal(err)
	}
	w.delete(domain.KeywordKind, created.Stream.ID)
	restore := commands.Request{
		Command: commands.NewID(), Target: created.Stream.ID, Payload: commands.Restore{Kind: domain.KeywordKind.Name},
	}
	restored, err := ask(restore)
	if err != nil {
		t.Fatal(err)
	}
	w.delete(tenancy.SectorKind, sector)

	for name, r := range map[string]struct {
		request commands.Request
		then    commands.Outcome
	}{"create": {create, created}, "restore": {restore, restored}} {
		o, err := ask(r.request)
		if err != nil || !o.Repeat || o.Revision != r.then.Revision || o.Stream != r.then.Stream {
			t.Errorf("the %s again answers %+v, %v", name, o, err)
		}
		r.request.Command = commands.NewID()
		if _, err := ask(r.request); err == nil && name == "create" {
			t.Error("a create of its own is not refused")
		}
	}
}
