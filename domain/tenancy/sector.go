package tenancy

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// MaxSectors is how many live sectors a site can have, on any plan.
const MaxSectors = 5

// SectorKind is the kind of sectors. A sector's id is also the sector of its
// envelope.
var SectorKind = es.Kind[Sector]{
	Name: "tenancy.sector", Evolve: evolveSector,
	Events: es.Events(SectorCreated{}, SectorChanged{}).WithLifecycle(),
	Holds: func(s Sector) es.Held {
		return es.Held{
			Unique: []es.Unique{{Scope: "tenancy.sector/" + s.Tenant.Site.String(), Key: text.Fold(s.Name), Field: "name"}},
			Counts: []es.Count{{Resource: "sectors", Scope: s.Tenant.Site, N: 1, Limit: MaxSectors}},
		}
	},
}

// SectorCreated says a site has one more sector.
type SectorCreated struct{ SectorDetails }

// EventType is the stored name.
func (SectorCreated) EventType() string { return "tenancy.sector.created.v1" }

// SectorChanged says what a sector is like from now on.
type SectorChanged struct{ SectorDetails }

// EventType is the stored name.
func (SectorChanged) EventType() string { return "tenancy.sector.changed.v1" }

// SectorDetails is what a sector is like.
type SectorDetails struct {
	// Name is unique among the site's live sectors, whatever its case.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// IndustrySector is the slug of the industry's sector that it is one of;
	// empty for one of the customer's own.
	IndustrySector string `json:"industry_sector,omitempty"`
	IsActive       bool   `json:"is_active"`
}

// Sector is a part of a site's business, with keywords and contents of its own.
type Sector struct {
	es.Entity
	SectorDetails
}

// Create decides to add a sector to a site. Without a name it has that of its
// industry's sector.
func (s Sector) Create(d SectorDetails) ([]es.Event, error) {
	faults := es.Faults{}
	d = d.checked(faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []es.Event{SectorCreated{d}}, nil
}

// Change decides what the sector is like; the same again records nothing.
func (s Sector) Change(d SectorDetails) ([]es.Event, error) {
	faults := es.Faults{}
	d = d.checked(faults)
	if err := faults.Err(); err != nil || d == s.SectorDetails {
		return nil, err
	}
	return []es.Event{SectorChanged{d}}, nil
}

func (d SectorDetails) checked(faults es.Faults) SectorDetails {
	if d.IndustrySector != "" {
		seed, known := IndustrySectorBySlug(d.IndustrySector)
		switch {
		case !known:
			faults.Add("industry_sector", "There is no industry's sector with this slug; auth/industries/ lists them.")
			return d
		case d.Name == "":
			d.Name = seed.Name
		}
	}
	d.Name = text.Field(faults, "name", d.Name, 1, 100)
	d.Description = text.Paragraphs(faults, "description", d.Description, 2000)
	return d
}

func evolveSector(s *Sector, e es.Event) {
	switch e := e.(type) {
	case SectorCreated:
		s.SectorDetails = e.SectorDetails
	case SectorChanged:
		s.SectorDetails = e.SectorDetails
	}
}
