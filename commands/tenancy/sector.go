package tenancy

import (
	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
)

// CreateSector asks to add a sector to a site, by a name or as one of an
// industry's sectors.
type CreateSector struct {
	ID             es.ID  `json:"id,omitzero" doc:"Your own UUIDv7 for it; the same create again changes nothing."`
	SiteID         es.ID  `json:"site_id"`
	Name           string `json:"name,omitempty" doc:"Unique in the site; that of industry_sector if left out." example:"Sales software"`
	Description    string `json:"description,omitempty"`
	IndustrySector string `json:"industry_sector,omitempty" doc:"The slug of an industry's sector." example:"cloud-hosting"`
}

// Place is the site that the sector is for.
func (c CreateSector) Place() (site, sector es.ID) { return c.SiteID, es.ID{} }

// ClientID is the id that the client chose, or zero.
func (c CreateSector) ClientID() es.ID { return c.ID }

// Decide asks the sector.
func (c CreateSector) Decide(_ es.Env, s tenancy.Sector) ([]es.Event, error) {
	return s.Create(tenancy.SectorDetails{
		Name: c.Name, Description: c.Description, IndustrySector: c.IndustrySector, IsActive: true,
	})
}

// ChangeSector asks for other details of a sector; what is left out stays.
type ChangeSector struct {
	Name        commands.Optional[string] `json:"name,omitzero" nullable:"false"`
	Description commands.Optional[string] `json:"description,omitzero"`
	IsActive    commands.Optional[bool]   `json:"is_active,omitzero" nullable:"false"`
}

// Decide asks the sector.
func (c ChangeSector) Decide(_ es.Env, s tenancy.Sector) ([]es.Event, error) {
	d := s.SectorDetails
	d.Name, d.Description = c.Name.Or(d.Name), c.Description.OrZero(d.Description)
	d.IsActive = c.IsActive.Or(d.IsActive)
	return s.Change(d)
}
