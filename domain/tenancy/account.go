package tenancy

import (
	"strings"
	"time"
	_ "time/tzdata" // a time zone is valid on every machine, or on none.

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// AccountKind is the kind of accounts. An account's id is also the account of
// its stream.
var AccountKind = es.Kind[Account]{
	Name: "tenancy.account", Evolve: evolveAccount,
	Events: es.Events(AccountCreated{}, AccountSettingsChanged{}, AccountPlanChanged{}, AccountStatusChanged{}, LegalHoldPlaced{}, LegalHoldLifted{}).WithLifecycle(),
	Holds: func(a Account) es.Held {
		return es.Held{Unique: []es.Unique{{Scope: "tenancy.account.slug", Key: a.Slug, Global: true, Field: "slug"}}}
	},
	Keeps: func(a Account) error {
		if a.System {
			return es.Refuse(es.Conflict, "system_account", "A system account cannot be deleted.")
		}
		return nil
	},
}

// AccountStatus says whether an account can be used.
type AccountStatus string

// The statuses of an account.
const (
	AccountActive         AccountStatus = "active"
	AccountTrial          AccountStatus = "trial"
	AccountPendingPayment AccountStatus = "pending_payment"
	AccountSuspended      AccountStatus = "suspended"
	AccountCancelled      AccountStatus = "cancelled"
)

// DefaultRetentionDays is the retention window of a new account.
const DefaultRetentionDays = 14

const (
	maxRetentionDays = 365
	maxSlug          = 50
)

// AccountCreated says an account came to be.
type AccountCreated struct {
	Slug string `json:"slug"`
	// Owner is the user who answers for the account; zero for system accounts.
	Owner  es.ID         `json:"owner_id"`
	Plan   string        `json:"plan"` // the plan's slug
	Status AccountStatus `json:"status"`
	System bool          `json:"is_system"`
	AccountSettings
}

// EventType is the stored name.
func (AccountCreated) EventType() string { return "tenancy.account.created.v1" }

// AccountSettingsChanged says an account has these settings from now on.
type AccountSettingsChanged struct{ AccountSettings }

// EventType is the stored name.
func (AccountSettingsChanged) EventType() string { return "tenancy.account.settings_changed.v1" }

// AccountPlanChanged says an account is on another plan from now on. What it
// has above the plan's limits stays.
type AccountPlanChanged struct {
	Plan string `json:"plan"`
}

// EventType is the stored name.
func (AccountPlanChanged) EventType() string { return "tenancy.account.plan_changed.v1" }

// AccountStatusChanged says an account can be used differently from now on.
type AccountStatusChanged struct {
	Status AccountStatus `json:"status"`
	Reason string        `json:"reason,omitempty"`
}

// EventType is the stored name.
func (AccountStatusChanged) EventType() string { return "tenancy.account.status_changed.v1" }

// AccountSettings is what an account's administrators decide about it.
type AccountSettings struct {
	Name string `json:"name"`
	// RetentionDays is how long what is deleted from now on can be restored,
	// 1 to 365.
	RetentionDays int `json:"retention_days"`
	// Timezone is an IANA name, such as "Europe/Berlin".
	Timezone string `json:"timezone"`
}

// Account is a customer: who pays, and whose data it is.
type Account struct {
	es.Entity
	Slug   string
	Owner  es.ID
	Plan   string
	Status AccountStatus
	System bool
	// Hold is in force while it is set.
	Hold *LegalHold
	AccountSettings
}

// NewAccount is what an account starts from.
type NewAccount struct {
	// Slug is unique over all accounts; empty derives it from Name.
	Slug   string
	Owner  es.ID
	Plan   string
	System bool
	AccountSettings
}

// Create decides to open an account. Empty settings get their defaults.
func (a Account) Create(env es.Env, n NewAccount) ([]es.Event, error) {
	faults := es.Faults{}
	if n.RetentionDays == 0 {
		n.RetentionDays = DefaultRetentionDays
	}
	if n.Timezone == "" {
		n.Timezone = "UTC"
	}
	settings := n.checked(faults)
	slug := checkedSlug(faults, n.Slug, settings.Name, "account", env.Tenant.Account)
	if n.Plan == "" {
		faults.Add("plan_slug", "This field is required.")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []es.Event{AccountCreated{
		Slug: slug, Owner: n.Owner, Plan: n.Plan, Status: AccountActive, System: n.System, AccountSettings: settings,
	}}, nil
}

// ChangeSettings decides other settings; the same again record nothing. The
// slug stays when the name changes.
func (a Account) ChangeSettings(s AccountSettings) ([]es.Event, error) {
	faults := es.Faults{}
	s = s.checked(faults)
	if err := faults.Err(); err != nil || s == a.AccountSettings {
		return nil, err
	}
	return []es.Event{AccountSettingsChanged{s}}, nil
}

// ChangePlan decides to put the account on another plan.
func (a Account) ChangePlan(slug string) ([]es.Event, error) {
	switch slug {
	case a.Plan:
		return nil, nil
	case "":
		return nil, es.Field("plan_slug", "This field is required.")
	}
	return []es.Event{AccountPlanChanged{Plan: slug}}, nil
}

// ChangeStatus decides whether the account can be used.
func (a Account) ChangeStatus(status AccountStatus, reason string) ([]es.Event, error) {
	faults := es.Faults{}
	reason = text.Field(faults, "reason", reason, 0, 500)
	switch status {
	case AccountActive, AccountTrial, AccountPendingPayment, AccountSuspended, AccountCancelled:
	default:
		faults.Add("status", "There is no such status.")
	}
	if err := faults.Err(); err != nil || status == a.Status {
		return nil, err
	}
	return []es.Event{AccountStatusChanged{Status: status, Reason: reason}}, nil
}

func (s AccountSettings) checked(faults es.Faults) AccountSettings {
	s.Name = text.Field(faults, "name", s.Name, 1, 100)
	if s.RetentionDays < 1 || s.RetentionDays > maxRetentionDays {
		faults.Add("retention_days", "The retention window is 1 to %d days.", maxRetentionDays)
	}
	if !validTimezone(s.Timezone) {
		faults.Add("timezone", "A time zone is an IANA name, such as Europe/Berlin.")
	}
	return s
}

func validTimezone(name string) bool {
	if name == "" || name == "Local" || strings.ContainsRune(name, 0) {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

func evolveAccount(a *Account, e es.Event) {
	switch e := e.(type) {
	case AccountCreated:
		a.Slug, a.Owner, a.Plan, a.Status, a.System = e.Slug, e.Owner, e.Plan, e.Status, e.System
		a.AccountSettings = e.AccountSettings
	case AccountSettingsChanged:
		a.AccountSettings = e.AccountSettings
	case AccountPlanChanged:
		a.Plan = e.Plan
	case AccountStatusChanged:
		a.Status = e.Status
	case LegalHoldPlaced:
		a.Hold = &LegalHold{Reason: e.Reason, PlacedAt: e.At}
	case LegalHoldLifted:
		a.Hold = nil
	}
}
