package config

import (
	"net/url"
	"strings"
)

const masked = "****"

// maskURL shows a URL without its password, nor the value of any query
// parameter that is named like a secret. What is not a URL is not shown.
func maskURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && u.RawQuery == "" {
		return masked + " (not shown: not a URL)"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), masked)
	}
	query := u.Query()
	for name := range query {
		for _, secret := range []string{"pass", "secret", "token", "key", "credential"} {
			if strings.Contains(strings.ToLower(name), secret) {
				query.Set(name, masked)
			}
		}
	}
	u.RawQuery = query.Encode()
	return strings.ReplaceAll(u.String(), url.QueryEscape(masked), masked)
}
