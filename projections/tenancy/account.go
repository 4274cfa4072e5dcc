package tenancy

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections/table"
)

// Accounts is the table of accounts: one row in each account.
func Accounts() *table.Table[Account] {
	return table.New(table.Spec[Account]{
		Name: "tenancy_accounts", Version: 1, Kind: tenancy.AccountKind, Evolve: evolveAccount,
	})
}

// Account is a customer and its settings.
type Account struct {
	table.Base
	Name          string `db:"name" json:"name" sort:"scan" search:"true"`
	Slug          string `db:"slug" json:"slug" filter:"eq"`
	OwnerID       *es.ID `db:"owner_id" json:"owner_id"`
	PlanSlug      string `db:"plan_slug" json:"plan_slug" filter:"eq,in"`
	Status        string `db:"status" json:"status" filter:"eq,in"`
	IsSystem      bool   `db:"is_system" json:"is_system" filter:"eq"`
	RetentionDays int    `db:"retention_days" json:"retention_days"`
	Timezone      string `db:"timezone" json:"timezone"`
}

func evolveAccount(row *Account, e es.Event) {
	switch e := e.(type) {
	case tenancy.AccountCreated:
		row.Slug, row.PlanSlug, row.Status, row.IsSystem = e.Slug, e.Plan, string(e.Status), e.System
		if e.Owner != (es.ID{}) {
			row.OwnerID = &e.Owner
		}
		row.set(e.AccountSettings)
	case tenancy.AccountSettingsChanged:
		row.set(e.AccountSettings)
	case tenancy.AccountPlanChanged:
		row.PlanSlug = e.Plan
	case tenancy.AccountStatusChanged:
		row.Status = string(e.Status)
	}
}

func (a *Account) set(s tenancy.AccountSettings) {
	a.Name, a.RetentionDays, a.Timezone = s.Name, s.RetentionDays, s.Timezone
}
