package tenancy

import (
	_ "embed"
	"strings"
	"sync"
)

// Industry is a line of business that sites are in. Industries are seed data,
// the same for every account; a slug, once released, keeps its meaning.
type Industry struct {
	Slug    string           `json:"slug"`
	Name    string           `json:"name"`
	Sectors []IndustrySector `json:"sectors"`
}

// IndustrySector is a part of an industry. Its slug is unique over all
// industries.
type IndustrySector struct {
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Industry string `json:"-"` // its industry's slug
}

//go:embed industries.tsv
var industriesTable string

// Industries lists all industries in the order in which people are shown them.
// Callers must not change what they get.
var Industries = sync.OnceValue(func() []Industry {
	var all []Industry
	for line := range strings.Lines(industriesTable[strings.IndexByte(industriesTable, '\n')+1:]) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(all) == 0 || all[len(all)-1].Slug != f[0] {
			all = append(all, Industry{Slug: f[0], Name: f[1]})
		}
		last := &all[len(all)-1]
		last.Sectors = append(last.Sectors, IndustrySector{Slug: f[2], Name: f[3], Industry: f[0]})
	}
	return all
})

// IndustryBySlug finds an industry.
func IndustryBySlug(slug string) (Industry, bool) {
	for _, i := range Industries() {
		if i.Slug == slug {
			return i, true
		}
	}
	return Industry{}, false
}

// IndustrySectorBySlug finds a sector of any industry.
func IndustrySectorBySlug(slug string) (IndustrySector, bool) {
	for _, i := range Industries() {
		for _, s := range i.Sectors {
			if s.Slug == slug {
				return s, true
			}
		}
	}
	return IndustrySector{}, false
}
