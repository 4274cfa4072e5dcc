package readapi

import (
	"strconv"
	"strings"
	"time"
)

// longestWait bounds how long a read waits for its position; it is also how
// long it waits when the client does not say.
const longestWait = 5 * time.Second

// readConsistency takes the position that a read must reflect, and the wait.
func (c *Call) readConsistency() error {
	token := c.Request.Header.Get(consistencyHeader)
	if token == "" || c.route.Public {
		return nil
	}
	position, ok := c.edge.signer.position(c.Principal.Account, token)
	if !ok {
		return badParameter(consistencyHeader, "This is not a token that this account was given.")
	}
	c.AtLeast, c.Wait = position, longestWait
	wait, given, err := preferredWait(c.Request.Header.Values("Prefer"))
	if err != nil {
		return err
	}
	if given {
		c.Wait = wait
		c.header.Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
	}
	return nil
}

// PreferredWait is how long the client would wait for something to come, from
// Prefer: wait=N, at most 5 s; 0 when it would not. The answer says that it was
// heeded.
func (c *Call) PreferredWait() (time.Duration, error) {
	wait, given, err := preferredWait(c.Request.Header.Values("Prefer"))
	if given && err == nil {
		c.header.Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
	}
	return wait, err
}

// preferredWait reads wait=N, in seconds, of RFC 7240; other preferences are
// not ours to judge.
func preferredWait(headers []string) (wait time.Duration, given bool, err error) {
	for _, header := range headers {
		for preference := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(preference), "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return 0, false, badParameter("Prefer", "wait takes whole seconds: wait=2.")
			}
			return min(time.Duration(n)*time.Second, longestWait), true, nil
		}
	}
	return 0, false, nil
}
