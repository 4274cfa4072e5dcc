package builtin

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/text"
	"github.com/igny8/igny8/infra/builtin/quality"
)

func nobody(int64, int64) {}

func clustered(t interface {
	Helper()
	Fatal(args ...any)
}, texts ...string,
) planner.Clusters {
	t.Helper()
	phrases := make([]planner.Phrase, len(texts))
	for i, text := range texts {
		phrases[i].Text = text
	}
	c, err := New().Cluster(context.Background(), phrases, nobody)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// labelsOf are the groups' numbers by phrase, and what is wrong with the groups.
func labelsOf(c planner.Clusters, n int) ([]int, error) {
	labels, names := make([]int, n), map[string]bool{}
	for i := range labels {
		labels[i] = -1
	}
	for g, group := range c.Groups {
		if !slices.Contains(group.Members, group.Primary) {
			return nil, fmt.Errorf("the primary phrase of %q is no member", group.Name)
		}
		if key := text.Fold(group.Name); group.Name == "" || names[key] {
			return nil, fmt.Errorf("the name %q is empty, or twice", group.Name)
		} else {
			names[key] = true
		}
		for _, m := range group.Members {
			if labels[m] >= 0 {
				return nil, fmt.Errorf("phrase %d is in two groups", m)
			}
			labels[m] = g
		}
	}
	if i := slices.Index(labels, -1); i >= 0 {
		return nil, fmt.Errorf("phrase %d is in no group", i)
	}
	return labels, nil
}

func TestTopicsAreFound(t *testing.T) {
	t.Parallel()
	niches, of := labelled(t, "topics.csv")
	languages, in := labelled(t, "languages.csv")
	for _, set := range []struct {
		name          string
		texts, labels []string
		v, ari        float64
	}{
		{"of several niches", niches, of, 0.97, 0.94},
		{"in twelve languages", languages, in, 0.98, 0.95},
		{"of all together", slices.Concat(niches, languages), slices.Concat(of, in), 0.98, 0.95},
	} {
		got, err := labelsOf(clustered(t, set.texts...), len(set.texts))
		if err != nil {
			t.Fatal(err)
		}
		v, ari := quality.VMeasure(set.labels, got), quality.ARI(set.labels, got)
		t.Logf("%s: V-measure %.3f, ARI %.3f", set.name, v, ari)
		if v < set.v || ari < set.ari {
			t.Errorf("%s: V-measure %.3f, want %.2f; ARI %.3f, want %.2f", set.name, v, set.v, ari, set.ari)
		}
	}
}

func TestAFewPhrasesAreTopicsToo(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{
		"five":                     {"milk frother", "best milk frother", "crm software", "free crm software", "knee pain"},
		"two without shared words": {"espresso", "marathon training"},
		"only a how-to in common":  {"how to prune roses", "how to get a mortgage"},
		"questions":                {"how to prune roses", "what is a crm", "how to get a mortgage", "what is the best mattress", "how to do yoga", "best mattress for back pain"},
	} {
		want := map[string][]string{
			"five":                     {"best milk frother\nmilk frother", "crm software\nfree crm software", "knee pain"},
			"two without shared words": {"espresso", "marathon training"},
			"only a how-to in common":  {"how to get a mortgage", "how to prune roses"},
			"questions":                {"best mattress for back pain\nwhat is the best mattress", "how to do yoga", "how to get a mortgage", "how to prune roses", "what is a crm"},
		}[name]
		if got := partition(clustered(t, texts...), texts); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func labelled(t *testing.T, file string) (texts, labels []string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it is only read.
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		texts, labels = append(texts, row[0]), append(labels, row[1])
	}
	return texts, labels
}

func TestEveryPhraseIsInOneGroupWhateverItHolds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("very ", 50) + "long"
	for name, texts := range map[string][]string{
		"none":           {},
		"one":            {"crm"},
		"no words":       {"???", "!!!", "???", "", " "},
		"stop words":     {"the", "of the", "to be or not to be", "the"},
		"emoji":          {"☕", "☕☕", "🚀 launch", "☕"},
		"numbers":        {"1", "2", "1 2", "2024", "2024"},
		"long":           {long, long + "er", strings.Repeat("x", 255)},
		"not UTF-8":      {"\xff\xfe", "caf\xe9", "\xff\xfe"},
		"chinese":        {"咖啡机", "咖啡机推荐", "磨豆机", "手冲咖啡"},
		"japanese":       {"コーヒーミル おすすめ", "コーヒーミル", "エスプレッソマシン"},
		"turkish":        {"İstanbul kahve", "istanbul kahve", "ISTANBUL KAHVE", "türk kahvesi"},
		"cyrillic":       {"кофемашина купить", "кофемашины купить", "рецепт борща"},
		"greek":          {"καφές", "καφες", "ελληνικός καφές"},
		"combining":      {"café crème", "cafe\u0301 cre\u0300me"},
		"identical":      slices.Repeat([]string{"best crm"}, 10_000),
		"case and marks": {"best CRM?", "Best crm", "best  crm!"},
	} {
		c := clustered(t, texts...)
		labels, err := labelsOf(c, len(texts))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		switch name {
		case "identical", "case and marks", "combining":
			if len(c.Groups) != 1 {
				t.Errorf("%s: %d groups", name, len(c.Groups))
			}
		case "cyrillic":
			if labels[0] != labels[1] || labels[0] == labels[2] {
				t.Errorf("%s: %v", name, labels)
			}
		case "japanese":
			if labels[0] != labels[1] {
				t.Errorf("%s: %v", name, labels)
			}
		}
	}
}

func TestThePartitionIsTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	niches, _ := labelled(t, "topics.csv")
	languages, _ := labelled(t, "languages.csv")
	texts := slices.Concat(niches, languages)
	want := partition(clustered(t, texts...), texts)
	rapid.Check(t, func(t *rapid.T) {
		mixed := rapid.Permutation(texts).Draw(t, "order")
		if got := partition(clustered(t, mixed...), mixed); !reflect.DeepEqual(got, want) {
			t.Fatal("another order finds other groups")
		}
	})
}

func TestManyEquallyAlikePhrasesAreInTheSameGroupsBackwards(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, p := range Keywords(2500) {
		texts = append(texts, p.Text)
	}
	want := partition(clustered(t, texts...), texts)
	slices.Reverse(texts)
	if got := partition(clustered(t, texts...), texts); !slices.Equal(got, want) {
		t.Error("backwards they are in other groups")
	}
}

func TestTheClustersAreTheSameWithAnyNumberOfCores(t *testing.T) { //nolint:paralleltest // it changes GOMAXPROCS.
	phrases := Keywords(2500)
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	want, err := New().Cluster(t.Context(), phrases, nobody)
	if err != nil {
		t.Fatal(err)
	}
	for _, cores := range []int{1, 2, 3, 8} {
		runtime.GOMAXPROCS(cores)
		if got, err := New().Cluster(t.Context(), phrases, nobody); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d cores find other clusters, or %v", cores, err)
		}
	}
}

// partition is the groups as sorted texts.
func partition(c planner.Clusters, texts []string) []string {
	var all []string
	for _, g := range c.Groups {
		var members []string
		for _, m := range g.Members {
			members = append(members, texts[m])
		}
		slices.Sort(members)
		all = append(all, strings.Join(members, "\n"))
	}
	slices.Sort(all)
	return all
}

func TestAClusteringEndsWithItsContextAndTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	phrases := Keywords(3000)
	ctx, cancel := context.WithCancel(t.Context())
	last, ended := int64(-1), int64(0)
	_, err := New().Cluster(ctx, phrases, func(done, total int64) {
		switch {
		case done < last || done > total || total != 3000:
			t.Errorf("after %d comes %d of %d", last, done, total)
		case ended > 0 && done > ended+100:
			t.Errorf("it went on to %d when it was to end at %d", done, ended)
		case ended == 0 && done > 500:
			ended = done
			cancel()
		}
		last = done
	})
	if !errors.Is(err, context.Canceled) || ended == 0 {
		t.Errorf("it ends with %v at %d", err, last)
	}
}

func TestClusteringKeepsItsPromisesOnRandomPhrases(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.OneOf(
			rapid.StringMatching(`(best |cheap |how to clean )?(coffee|tea|crm)( grinder| maker| app)?`), rapid.StringN(0, 12, -1),
		), 0, 60).Draw(t, "texts")
		if _, err := labelsOf(clustered(t, texts...), len(texts)); err != nil {
			t.Fatal(err)
		}
	})
}
