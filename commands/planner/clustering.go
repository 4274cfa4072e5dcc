package planner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/commands/tasks"
	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/planner"
	domain "github.com/igny8/igny8/domain/tasks"
)

const (
	clusteringLimit = 10 * time.Minute
	// clusteringPaid is how long credits stay reserved for a clustering, which
	// is longer than all its attempts and what they wait in between.
	clusteringPaid = 24 * time.Hour
	// mapsAtOnce bounds how many keywords are mapped at the same time.
	mapsAtOnce = 256
	// nameTries bounds the search for a name that is free in the sector.
	nameTries = 20
)

// clusteringOperation names the price of clustering.
const clusteringOperation = "clustering"

// KeywordClustering is what a clustering is asked with. Without Keywords it is
// about all of the sector's that are in no cluster and not disabled.
type KeywordClustering struct {
	Keywords []es.ID `json:"keyword_ids,omitempty"`
	// Reservation is of the credits that it may cost.
	Reservation es.ID `json:"reservation_id"`
	Reserved    int64 `json:"reserved"`
}

// FoundClusters is what a clustering worked out, before anything is changed.
type FoundClusters struct {
	Clusters []FoundCluster `json:"clusters"`
	// Skipped are keywords that were gone, disabled, or in a cluster by then.
	Skipped int64 `json:"skipped"`
	Tokens  int64 `json:"tokens"`
}

// FoundCluster is a new topic, or an existing cluster that keywords join.
type FoundCluster struct {
	Existing es.ID          `json:"existing_id,omitzero"`
	Name     string         `json:"name,omitempty"`
	Primary  es.ID          `json:"primary_keyword_id,omitzero"`
	Members  []FoundKeyword `json:"members"`
}

// FoundKeyword is a keyword, and its intents where none were known.
type FoundKeyword struct {
	ID         es.ID            `json:"id"`
	Intents    []planner.Intent `json:"intents,omitempty"`
	Confidence int64            `json:"confidence,omitempty"`
}

// ClusteringReport is what became of a clustering.
type ClusteringReport struct {
	// Clusters are the new ones, and Joined those that had been there and got
	// more keywords.
	Clusters int64 `json:"clusters"`
	Joined   int64 `json:"joined"`
	// Mapped are the keywords that are in a cluster now, and Skipped those that
	// were left as they were.
	Mapped  int64 `json:"mapped"`
	Skipped int64 `json:"skipped"`
	Tokens  int64 `json:"tokens"`
	Credits int64 `json:"credits"`
}

// Clustering puts a sector's keywords into clusters, in the background.
type Clustering struct {
	Bus       *commands.Bus
	Sectors   Sectors
	Clusterer Clusterer
	Intents   Intents
	Credits   Credits
	// Head is the log's last position: whoever asks for a clustering has all
	// keywords clustered that there are by then.
	Head func(ctx context.Context) (int64, error)
}

// Tasks are the module's kinds of tasks, for those who only name them.
func Tasks() []tasks.Kind { return []tasks.Kind{Importer{}.Task(), Clustering{}.Task()} }

// Task is the kind of its tasks.
func (c Clustering) Task() tasks.Kind {
	return tasks.Declare("planner.cluster_keywords", commands.InSector, clusteringLimit, tasks.Work[KeywordClustering, FoundClusters]{
		Attempts: jobAttempts,
		Do:       c.find,
		Apply: func(ctx context.Context, run *tasks.Run, in KeywordClustering, out FoundClusters) (any, error) {
			return c.apply(ctx, run, in, out)
		},
		Ended: func(ctx context.Context, run *tasks.Run, in KeywordClustering, state domain.State) error {
			if state == domain.Succeeded {
				return nil
			}
			return refusal(c.Credits.Release(ctx, chargeOf(run, in)))
		},
	})
}

// Start reserves what the clustering may cost and makes the command that asks for
// it: within r's sector, traced to r. The same r again reserves nothing more. Errors: es.Invalid
// where there is nothing to cluster, es.Plan "insufficient_credits", and those of
// the sector.
func (c Clustering) Start(ctx context.Context, r commands.Request, ids []es.ID) (commands.Request, error) {
	trial := r
	trial.Target, trial.Command, trial.DryRun = es.ID{}, commands.NewID(), true
	queue, err := c.Task().Request(trial, KeywordClustering{})
	if err != nil {
		return queue, err
	}
	if _, err := c.Bus.Do(ctx, queue); err != nil {
		return queue, err
	}
	head, err := c.Head(ctx)
	if err != nil {
		return queue, err
	}
	all, err := c.Sectors.Keywords(ctx, r.Tenant, head)
	if err != nil {
		return queue, err
	}
	wanted := wantedOf(all, ids)
	if len(wanted) == 0 {
		return queue, es.Refuse(es.Invalid, "nothing_to_cluster", "Every keyword of this sector is in a cluster already, or disabled. Add or import keywords first.")
	}
	price, err := c.Credits.Price(ctx, r.Tenant.Account, clusteringOperation, c.Clusterer.Tokens(phrases(wanted)))
	if err != nil {
		return queue, err
	}
	in := KeywordClustering{Keywords: ids, Reservation: es.Derive(r.Command, "reservation", int(price)), Reserved: price}
	if queue, err = c.Task().Request(r, in); err != nil {
		return queue, err
	}
	charge := Charge{Reservation: in.Reservation, Operation: clusteringOperation, By: r, Job: queue.Target}
	return queue, c.Credits.Reserve(ctx, charge, price, time.Now().Add(clusteringPaid))
}

// wantedOf are those to put into clusters.
func wantedOf(all []planner.SectorKeyword, ids []es.ID) []planner.SectorKeyword {
	var asked map[es.ID]bool
	if len(ids) > 0 {
		asked = make(map[es.ID]bool, len(ids))
		for _, id := range ids {
			asked[id] = true
		}
	}
	var wanted []planner.SectorKeyword
	for _, k := range all {
		if k.Cluster == (es.ID{}) && !k.Disabled && (asked == nil || asked[k.ID]) {
			wanted = append(wanted, k)
		}
	}
	return wanted
}

func phrases(keywords []planner.SectorKeyword) []Phrase {
	all := make([]Phrase, len(keywords))
	for i, k := range keywords {
		all[i] = Phrase{Text: k.Text, Volume: k.Volume}
	}
	return all
}

// find groups the wanted keywords together with those that have a cluster, so
// that new ones join the cluster that most of their kin are in.
func (c Clustering) find(ctx context.Context, run *tasks.Run, in KeywordClustering) (FoundClusters, error) {
	run.Progress("reading", 0, 0)
	all, err := c.Sectors.Keywords(ctx, run.Tenant, run.Position)
	if err != nil {
		return FoundClusters{}, err
	}
	wanted := wantedOf(all, in.Keywords)
	found := FoundClusters{Clusters: []FoundCluster{}, Tokens: c.Clusterer.Tokens(phrases(wanted))}
	if len(in.Keywords) > 0 {
		found.Skipped = int64(len(in.Keywords) - len(wanted))
	}
	isWanted := make(map[es.ID]bool, len(wanted))
	for _, k := range wanted {
		isWanted[k.ID] = true
	}
	kin := slices.DeleteFunc(all, func(k planner.SectorKeyword) bool { return !isWanted[k.ID] && k.Cluster == (es.ID{}) })
	clusters, err := c.Clusterer.Cluster(ctx, phrases(kin), func(done, total int64) { run.Progress("clustering", done, total) })
	if err != nil {
		return found, err
	}
	for _, g := range clusters.Groups {
		if f, some := c.cluster(kin, g); some {
			found.Clusters = append(found.Clusters, f)
		}
	}
	return found, nil
}

// cluster is what a group comes to; some is false where nothing is wanted of it.
func (c Clustering) cluster(kin []planner.SectorKeyword, g Group) (f FoundCluster, some bool) {
	homes := map[es.ID]int{}
	for _, i := range g.Members {
		k := kin[i]
		if k.Cluster != (es.ID{}) {
			homes[k.Cluster]++
			if n, most := homes[k.Cluster], homes[f.Existing]; f.Existing == (es.ID{}) || n > most {
				f.Existing = k.Cluster
			}
			continue
		}
		member := FoundKeyword{ID: k.ID}
		if !k.HasIntent {
			member.Intents, member.Confidence = c.Intents.Intents(k.Text)
		}
		f.Members = append(f.Members, member)
	}
	if f.Existing == (es.ID{}) {
		f.Name, f.Primary = g.Name, kin[g.Primary].ID
	}
	return f, len(f.Members) > 0
}

// apply makes the clusters, maps the keywords to them and pays. Everything it
// asks has an id that derives from the task.
func (c Clustering) apply(ctx context.Context, run *tasks.Run, in KeywordClustering, found FoundClusters) (*ClusteringReport, error) {
	report := &ClusteringReport{Skipped: found.Skipped, Tokens: found.Tokens}
	ids, err := c.create(ctx, run, found.Clusters, report)
	if err != nil {
		return nil, err
	}
	if err := c.fill(ctx, run, found.Clusters, ids, report); err != nil {
		return nil, err
	}
	charge := chargeOf(run, in)
	if report.Mapped == 0 {
		return report, c.Credits.Release(ctx, charge)
	}
	price, err := c.Credits.Price(ctx, run.Tenant.Account, clusteringOperation, found.Tokens)
	if err != nil {
		return nil, err
	}
	report.Credits = min(price, in.Reserved)
	return report, c.Credits.Commit(ctx, charge, report.Credits, found.Tokens)
}

// create makes the new clusters, under the next free name where theirs is taken.
// It gives the id of each, zero where none could be made.
func (c Clustering) create(ctx context.Context, run *tasks.Run, clusters []FoundCluster, report *ClusteringReport) ([]es.ID, error) {
	ids := make([]es.ID, len(clusters))
	var left []int
	for i, f := range clusters {
		if ids[i] = f.Existing; f.Existing == (es.ID{}) {
			left = append(left, i)
		}
	}
	for try := 1; len(left) > 0 && try <= nameTries; try++ {
		requests := make([]commands.Request, len(left))
		for n, i := range left {
			f := clusters[i]
			r := run.Ask(CreateCluster{SiteID: run.Tenant.Site, SectorID: run.Tenant.Sector, Name: numbered(f.Name, try), Primary: f.Primary}, "cluster "+strconv.Itoa(try), i)
			r.Target = es.Derive(r.Command, "target", 0)
			requests[n] = r
		}
		run.Progress("creating clusters", int64(len(clusters)-len(left)), int64(len(clusters)))
		_, errs := c.Bus.CreateMany(ctx, requests)
		var taken []int
		for n, err := range errs {
			switch {
			case err == nil:
				ids[left[n]] = requests[n].Target
				report.Clusters++
			case wordOf(err) == "taken":
				taken = append(taken, left[n])
			default:
				return nil, fmt.Errorf("creating the cluster %d: %w", left[n], err)
			}
		}
		left = taken
	}
	return ids, nil
}

func numbered(name string, try int) string {
	if try == 1 {
		return name
	}
	return name + " " + strconv.Itoa(try)
}

// fill maps the keywords. Those that cannot be mapped any more are skipped.
func (c Clustering) fill(ctx context.Context, run *tasks.Run, clusters []FoundCluster, ids []es.ID, report *ClusteringReport) error {
	var requests []commands.Request
	var homes []int
	for i, f := range clusters {
		for _, k := range f.Members {
			if ids[i] == (es.ID{}) {
				report.Skipped++
				continue
			}
			r := run.Ask(MapKeyword{ClusterID: ids[i], Intents: k.Intents, IntentConfidence: k.Confidence}, "map "+k.ID.String(), 0)
			r.Target = k.ID
			requests, homes = append(requests, r), append(homes, i)
		}
	}
	joined := map[int]bool{}
	for done := 0; done < len(requests); done += importChunk {
		run.Progress("mapping keywords", int64(done), int64(len(requests)))
		chunk := requests[done:min(done+importChunk, len(requests))]
		_, errs := c.Bus.DoAll(ctx, chunk, mapsAtOnce)
		for n, err := range errs {
			switch {
			case err == nil:
				report.Mapped++
				joined[homes[done+n]] = true
			case refusal(err) != nil:
				return fmt.Errorf("mapping keyword %s: %w", chunk[n].Target, err)
			default:
				report.Skipped++
			}
		}
	}
	for i := range joined {
		if clusters[i].Existing != (es.ID{}) {
			report.Joined++
		}
	}
	run.Progress("mapping keywords", int64(len(requests)), int64(len(requests)))
	return nil
}

func wordOf(err error) string {
	var refused *es.Error
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Word()
}

// chargeOf is what the task's credits were reserved for.
func chargeOf(run *tasks.Run, in KeywordClustering) Charge {
	return Charge{
		Reservation: in.Reservation, Operation: clusteringOperation, Job: run.Task,
		By: run.Ask(nil, "charge", 0),
	}
}
