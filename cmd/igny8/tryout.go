package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/igny8/igny8/commands"
)

// tryout prints what a newcomer can paste into another terminal. The e-mail
// address is new at each start, so that the lines work again.
func tryout(w io.Writer, url string) {
	id := commands.NewID().String()
	_, _ = fmt.Fprint(w, strings.NewReplacer("URL", url+"/api/v1", "EMAIL", "ada-"+id[len(id)-8:]+"@example.com").Replace(`
Try this in another terminal: sign up, make a site, read what happened.

TOKEN=$(curl -s URL/auth/register/ -H 'Content-Type: application/json' -d '{"email":"EMAIL","password":"correct horse battery","first_name":"Ada","last_name":"Lovelace","account_name":"Engines","plan_slug":"free"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -s URL/auth/sites/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"name":"Notes","domain":"notes.example.com","industry":"technology-software"}'
curl -s URL/system/events/ -H "Authorization: Bearer $TOKEN"

Every route: URL/openapi.json. Ctrl-C stops; the data stays.
`))
}
