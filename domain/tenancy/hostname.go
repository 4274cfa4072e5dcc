package tenancy

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"github.com/igny8/igny8/domain/es"
)

// checkedDomain is a host name in lower case and ASCII (IDNA 2008, as browsers
// look names up), without the dot of the root. It takes no scheme, port, path
// or address, and says what to leave out.
func checkedDomain(faults es.Faults, path, name string) string {
	host := strings.TrimSpace(name)
	switch {
	case host == "":
		faults.Add(path, "This field is required.")
		return host
	case strings.Contains(host, "://"):
		faults.Add(path, "Give the domain alone, such as example.com, without the scheme before it.")
		return host
	case strings.ContainsAny(host, "/?#\\"):
		faults.Add(path, "Give the domain alone, such as example.com, without a path.")
		return host
	case strings.ContainsAny(host, "@ "):
		faults.Add(path, "Give a domain, such as example.com.")
		return host
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		faults.Add(path, "Give a domain, such as example.com, not an address.")
		return host
	}
	if strings.Contains(host, ":") {
		faults.Add(path, "Give the domain alone, such as example.com, without a port.")
		return host
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err == nil {
		ascii, err = registrable.ToASCII(ascii)
	}
	if err != nil || !strings.Contains(ascii, ".") {
		faults.Add(path, "This is not a valid domain; one looks like example.com.")
		return host
	}
	return ascii
}

// registrable adds the rules of DNS: no empty label, none longer than 63 bytes,
// at most 253 together.
var registrable = idna.New(idna.VerifyDNSLength(true), idna.StrictDomainName(true), idna.CheckHyphens(true), idna.ValidateLabels(true))
