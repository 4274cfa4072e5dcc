package readapi

import (
	"github.com/danielgtaylor/huma/v2"
)

// Code is the machine's word for what went wrong. Words are stable, and every
// one is in codes; a test compares that list with what the code says.
type Code string

// codes are the words and what they mean.
var codes = []struct{ word, means string }{
	{"account_missing", "who asks belongs to no account"},
	{"account_opening", "the account is not open yet; try again"},
	{"bad_credentials", "the credentials are wrong or no longer valid"},
	{"busy", "the outcome is not known; send it again with the same Idempotency-Key"},
	{"conflict", "the state is in the way"},
	{"ended", "it has ended already"},
	{"event_id_taken", "the command was already used for something else"},
	{"exists", "the id exists with other fields"},
	{"forbidden", "who asks may not"},
	{"gone", "it is gone for good"},
	{"idempotency_in_flight", "a request with this key is being worked on"},
	{"idempotency_key_reused", "this key was used for another request"},
	{"if_match_required", "If-Match is needed"},
	{"insufficient_credits", "the account has too few credits for this"},
	{"internal", "our fault"},
	{"invalid", "the request is not valid; errors says where"},
	{"invalid_cursor", "the cursor is not of this list"},
	{"invalid_page", "there is no such page"},
	{"legal_hold", "a legal hold keeps everything of the account"},
	{"limit_reached", "there cannot be more of these"},
	{"malformed", "the body is not JSON"},
	{"method_not_allowed", "the resource does not take this method"},
	{"not_a_person", "only people have this"},
	{"not_cancelled", "nobody asked to cancel it"},
	{"not_deleted", "only what is deleted can be purged"},
	{"not_found", "it is not there, or not yours"},
	{"not_ready", "the process is not ready for requests"},
	{"nothing_to_cluster", "every keyword that could be clustered is in a cluster, or disabled"},
	{"outcome_unknown", "the outcome is not known; send it again with the same Idempotency-Key"},
	{"owner", "the owner of an account stays"},
	{"parent_gone", "its site or sector is deleted"},
	{"plan_limit", "the plan allows no more of these"},
	{"precondition", "If-Match names another revision"},
	{"projection_changed", "a read model must be built anew"},
	{"projection_parked", "this account's read model is being mended"},
	{"purged", "it was purged"},
	{"read_model_behind", "the read model has not reached the token's position yet"},
	{"refresh_expired", "the refresh token has expired"},
	{"refresh_invalid", "the refresh token is not valid"},
	{"refresh_reused", "the refresh token was used before; its session has ended"},
	{"reservation_expired", "the credits were reserved until a time that is over"},
	{"reservation_resolved", "the reservation ended otherwise already"},
	{"reservation_unknown", "there is no such reservation"},
	{"retention_ended", "it can no longer be restored"},
	{"retention_running", "it can still be restored"},
	{"stale_attempt", "another attempt has the task"},
	{"system_account", "the platform's own accounts stay"},
	{"taken", "somebody has this value already"},
	{"throttled", "too many requests"},
	{"timeout", "it took too long"},
	{"token_expired", "the access token has expired"},
	{"token_invalid", "the access token is not valid"},
	{"too_large", "the request is too large"},
	{"too_many_streams", "the caller has as many streams open as may be"},
	{"unavailable", "something cannot be reached now"},
	{"unauthorized", "who asks is unknown"},
	{"unsupported_media_type", "the body must be application/json"},
}

// Schema lists the words in the document.
func (Code) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: "The machine's word:\n"}
	for _, c := range codes {
		s.Enum = append(s.Enum, c.word)
		s.Description += "\n- `" + c.word + "`: " + c.means
	}
	return s
}
