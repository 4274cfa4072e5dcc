package main

import (
	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/infra/builtin"
	eventstore "github.com/igny8/igny8/infra/eventstore/postgres"
	"github.com/igny8/igny8/infra/keywordfile"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/uploads"
	"github.com/igny8/igny8/projections"
	plannerrows "github.com/igny8/igny8/projections/planner"
	plannerroutes "github.com/igny8/igny8/readapi/planner"
)

// sectors reads keywords for those who work on all of them.
func (s *service) sectors() plannerrows.Sectors {
	return plannerrows.NewSectors(s.reader())
}

func (s *service) reader() *projections.Reader {
	return projections.NewReader(s.Pool(postgres.RoleApp), s.positions)
}

// importer imports keyword exports.
func (s *service) importer() planner.Importer {
	return planner.Importer{
		Bus: s.bus, Files: keywordfile.New(), Uploads: uploads.New(s.Pool(postgres.RoleApp)),
		Intents: builtin.New(), Claims: eventstore.NewClaims(s.Pool(postgres.RoleLogin)),
	}
}

// clustering puts keywords into clusters.
func (s *service) clustering() planner.Clustering {
	return planner.Clustering{
		Bus: s.bus, Sectors: s.sectors(), Clusterer: builtin.New(), Intents: builtin.New(),
		Credits: plannerCredits{s.credits(s.reader())}, Head: s.log.Head,
	}
}

func (s *service) plannerJobs() plannerroutes.Jobs {
	return plannerroutes.Jobs{
		Clustering: s.clustering(), Files: uploads.New(s.Pool(postgres.RoleApp)), UploadLimit: s.config.UploadLimit,
	}
}
