package tenancy

import (
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/tenancy"
	"github.com/igny8/igny8/projections/table"
)

// Sectors is the table of sectors.
func Sectors() *table.Table[Sector] {
	return table.New(table.Spec[Sector]{
		Name: "tenancy_sectors", Version: 1, Kind: tenancy.SectorKind, Evolve: evolveSector,
	})
}

// Sector is a part of a site's business.
type Sector struct {
	table.Base
	Name        string `db:"name" json:"name" filter:"eq" sort:"scan" search:"true"`
	Description string `db:"description" json:"description" search:"true"`
	// IndustrySector is null for one of the customer's own.
	IndustrySector *string `db:"industry_sector" json:"industry_sector" filter:"eq,in,isnull"`
	IsActive       bool    `db:"is_active" json:"is_active" filter:"eq"`
}

func evolveSector(row *Sector, e es.Event) {
	switch e := e.(type) {
	case tenancy.SectorCreated:
		row.set(e.SectorDetails)
	case tenancy.SectorChanged:
		row.set(e.SectorDetails)
	}
}

func (s *Sector) set(d tenancy.SectorDetails) {
	s.Name, s.Description, s.IsActive, s.IndustrySector = d.Name, d.Description, d.IsActive, nil
	if d.IndustrySector != "" {
		s.IndustrySector = &d.IndustrySector
	}
}
