package planner_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands"
	. "github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/es/estest"
	"github.com/igny8/igny8/domain/planner"
)

var comparisons = planner.ClusterCreated{ClusterDetails: planner.ClusterDetails{Name: "CRM comparisons", Description: "Which one?", Role: planner.Supporting}}

func TestAClusterIsCreated(t *testing.T) {
	t.Parallel()
	estest.Given(t, planner.ClusterKind).When(CreateCluster{Name: " CRM  comparisons", Description: "Which one?\r\n"}).Then(comparisons)
	estest.Given(t, planner.ClusterKind).When(CreateCluster{Description: strings.Repeat("x", 2001)}).ThenFaulty("name", "description")
}

func TestAChangeOfAClusterTouchesOnlyWhatWasSent(t *testing.T) {
	t.Parallel()
	estest.Given(t, planner.ClusterKind, comparisons).When(ChangeCluster{Description: commands.Null[string]()}).
		Then(planner.ClusterChanged{ClusterDetails: planner.ClusterDetails{Name: "CRM comparisons", Role: planner.Supporting}})
	estest.Given(t, planner.ClusterKind, comparisons).When(ChangeCluster{Name: commands.Some("CRM comparisons ")}).ThenNothing()
}

func TestClustersHoldTheirNamesWhileTheyLive(t *testing.T) {
	t.Parallel()
	estest.CheckLifecycle(t, planner.ClusterKind,
		func(t *rapid.T) estest.Decider[planner.Cluster] {
			return CreateCluster{Name: rapid.StringMatching(`[a-zÄ東 ]{0,8}x`).Draw(t, "name")}
		},
		func(t *rapid.T) estest.Decider[planner.Cluster] {
			return ChangeCluster{Name: commands.Some(rapid.String().Draw(t, "name"))}
		})
}
