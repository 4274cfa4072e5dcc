package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/infra/config"
)

// tryout plays the demonstration where nobody ever signed up, and then prints
// what a newcomer can paste into another terminal.
func tryout(ctx context.Context, s *session, p *parts, settings config.Config, url string) {
	if p.demonstrators != nil {
		d, played, err := playOnce(ctx, s, p, settings, url)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			_, _ = fmt.Fprintf(s.stderr, "igny8: the demonstration failed: %v\n", err)
		case played:
			_ = d.write(s.stdout)
			afterDemo(s.stdout, url, d)
			return
		}
	}
	beforeDemo(s.stdout, url)
}

// playOnce plays the demonstration on an empty store.
func playOnce(ctx context.Context, s *session, p *parts, settings config.Config, url string) (d demo, played bool, err error) {
	part, closed, err := p.demonstrators(ctx, settings, s.logger(settings))
	if err != nil {
		return d, false, err
	}
	defer func() { _ = closed() }()
	empty, err := part.Empty(ctx)
	if err != nil || !empty {
		return d, false, err
	}
	files, err := bundledExports()
	if err != nil {
		return d, false, err
	}
	defer closeExports(files) //nolint:errcheck // they were only read.
	return d, true, d.play(ctx, s, part, url, files)
}

// afterDemo tells what can be looked at now.
func afterDemo(w io.Writer, url string, d demo) {
	_, _ = fmt.Fprint(w, strings.NewReplacer("URL", url, "TOKEN_VALUE", d.token, "EMAIL", d.email, "PASSWORD", d.password, "SECTOR", d.target.sector).Replace(`
Try this in another terminal; the token lasts for 15 minutes.

TOKEN=TOKEN_VALUE
curl -s 'URL/api/v1/planner/clusters/?sector_id=SECTOR&page_size=5' -H "Authorization: Bearer $TOKEN"
curl -s 'URL/api/v1/billing/credits/transactions/' -H "Authorization: Bearer $TOKEN"
curl -sN 'URL/api/v1/system/events/stream/?types=igny8.planner.cluster.*' -H "Authorization: Bearer $TOKEN"

A new token: curl -s URL/api/v1/auth/login/ -H 'Content-Type: application/json' -d '{"email":"EMAIL","password":"PASSWORD"}'
Address: URL    Every route: URL/docs/    Ctrl-C stops; the data stays.
`))
}

// beforeDemo tells what can be done with a new account. The e-mail address is
// new at each start, so that the lines work again.
func beforeDemo(w io.Writer, url string) {
	id := commands.NewID().String()
	_, _ = fmt.Fprint(w, strings.NewReplacer("URL", url+"/api/v1", "EMAIL", "ada-"+id[len(id)-8:]+"@example.com", "PAGE", url+"/docs/").Replace(`
Try this in another terminal: sign up, make a site, read what happened.

TOKEN=$(curl -s URL/auth/register/ -H 'Content-Type: application/json' -d '{"email":"EMAIL","password":"correct horse battery","first_name":"Ada","last_name":"Lovelace","account_name":"Engines","plan_slug":"free"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -s URL/auth/sites/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"name":"Notes","domain":"notes.example.com","industry":"technology-software"}'
curl -s URL/system/events/ -H "Authorization: Bearer $TOKEN"

Every route: PAGE    Ctrl-C stops; the data stays.
`))
}
