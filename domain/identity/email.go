package identity

import (
	"net/mail"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

const (
	maxEmail = 254 // RFC 5321, 4.5.3.1.3, without the angle brackets
	maxLocal = 64  // RFC 5321, 4.5.3.1.1
	maxLabel = 63  // RFC 1035, 2.3.4
)

// EmailKey is the form in which two e-mail addresses are the same: NFC,
// trimmed, lower case. Applied again it changes nothing.
func EmailKey(address string) string {
	for range 3 { // lower case can undo composition; two rounds settle it.
		next := norm.NFC.String(strings.ToLower(strings.TrimSpace(norm.NFC.String(address))))
		if next == address {
			break
		}
		address = next
	}
	return address
}

// email is the address as it is kept, in the writer's own capitals.
func email(faults es.Faults, raw string) string {
	found := es.Faults{}
	address := text.Field(found, "email", raw, 1, maxEmail)
	if len(found) == 0 && !isEmail(address) {
		found.Add("email", "This is not an e-mail address, such as ada@example.org.")
	}
	for path, what := range found {
		faults[path] = append(faults[path], what...)
	}
	return address
}

func isEmail(address string) bool {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at > maxLocal || len(address) > maxEmail {
		return false
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return false
	}
	labels := strings.Split(address[at+1:], ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabel || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsAny(label, "[]:_\\\"() ") {
			return false
		}
	}
	return len(labels) >= 2
}
