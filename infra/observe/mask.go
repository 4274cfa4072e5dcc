package observe

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

const masked = "****"

// secretParts are what a secret looks like wherever it stands. The group "keep"
// stays.
var secretParts = []*regexp.Regexp{
	// Our API keys: the environment and the key's id stay, to find the key by.
	regexp.MustCompile(`(?P<keep>\big8_[a-z]+_[A-Za-z0-9]+_)[A-Za-z0-9]{16,}`),
	// JSON Web Tokens.
	regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`),
	// Authorization headers.
	regexp.MustCompile(`(?i)(?P<keep>\b(?:bearer|basic|apikey)\s+)[A-Za-z0-9+/=._~-]{8,}`),
	// Passwords in URLs.
	regexp.MustCompile(`(?P<keep>\b[a-z][a-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+@`),
	// Connection strings and query parameters.
	regexp.MustCompile(`(?i)(?P<keep>\b(?:password|passwd|secret|access_token|refresh_token|api_key)=)[^&\s]+`),
}

// MaskText hides whatever in a text looks like a secret.
func MaskText(text string) string {
	for _, part := range secretParts {
		with := masked
		if part.SubexpIndex("keep") > 0 {
			with = "${keep}" + masked
		}
		if strings.HasSuffix(part.String(), "@") {
			with += "@"
		}
		text = part.ReplaceAllString(text, with)
	}
	return text
}

// secretNames are attributes' names, or their last words, whose texts are never
// logged.
var secretNames = []string{
	"password", "passwd", "passphrase", "secret", "token", "authorization", "cookie", "key", "apikey",
	"credential", "credentials", "dsn", "salt", "sid", "jwt",
}

// harmlessNames end like secrets and are none; they are needed to follow a
// request.
var harmlessNames = []string{"idempotency_key", "consistency_token", "claim_scope_key"}

func secretName(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	for _, harmless := range harmlessNames {
		if name == harmless {
			return false
		}
	}
	for _, secret := range secretNames {
		if name == secret || strings.HasSuffix(name, "_"+secret) {
			return true
		}
	}
	return false
}

// maskAttr hides secrets in an attribute. Numbers, times and truth values are
// no secrets: "prompt_token": 12 is a count.
func maskAttr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		if secretName(a.Key) && a.Value.String() != "" {
			return slog.String(a.Key, masked)
		}
		return slog.String(a.Key, MaskText(a.Value.String()))
	case slog.KindAny:
		if secretName(a.Key) && a.Value.Any() != nil {
			return slog.String(a.Key, masked)
		}
		return slog.Any(a.Key, maskAny(a.Value.Any()))
	default:
		return a
	}
}

func maskAny(value any) any {
	switch value := value.(type) {
	case nil, *slog.Source, slog.Level:
		return value
	case error:
		return MaskText(value.Error())
	case fmt.Stringer:
		return MaskText(value.String())
	}
	data, err := json.Marshal(value)
	if err != nil {
		return MaskText(fmt.Sprintf("%+v", value))
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		return MaskText(string(data))
	}
	return maskTree(tree)
}

func maskTree(tree any) any {
	switch tree := tree.(type) {
	case string:
		return MaskText(tree)
	case []any:
		for i := range tree {
			tree[i] = maskTree(tree[i])
		}
	case map[string]any:
		for name, value := range tree {
			switch value.(type) {
			case string, []any, map[string]any:
				if secretName(name) {
					tree[name] = masked
					continue
				}
			}
			tree[name] = maskTree(value)
		}
	}
	return tree
}
