package builtin

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/domain/text"
)

// leastTogether is how alike two clusters' members are on average, at least, to
// be one: at it a cluster still reads as one topic, and phrases that share only
// common words stay apart.
const leastTogether = 0.45

// Of a clustering's time, how much is looking for neighbours and smoothing, in
// percent; merging is the rest.
const (
	neighboursShare = 65
	smoothingShare  = 25
	mergingShare    = 10
)

// Cluster groups the phrases by the words that they share: the cosine of TF-IDF
// vectors of stems, pairs of them, and trigrams of letters finds each phrase's
// nearest neighbours; phrases read together with theirs are compared again, and
// average linkage merges what is most alike. What is the same but for case, accents'
// composition and punctuation is one phrase. Groups come in the order of their
// first members, and members in that of the phrases. It takes time and memory in
// proportion to the phrases; ctx ends it.
func (Text) Cluster(ctx context.Context, phrases []planner.Phrase, progress func(done, total int64)) (planner.Clusters, error) {
	total := int64(len(phrases))
	distinct, of := distinctOf(phrases)
	vectors, df := vectors(distinct)
	scaled := func(base, share int) func(int) {
		return func(done int) {
			progress((int64(base)+int64(share)*int64(done)/int64(max(1, len(distinct))))*total/100, total)
		}
	}
	neighbours, err := newIndex(vectors, df).neighbours(ctx, scaled(0, neighboursShare))
	if err != nil {
		return planner.Clusters{}, err
	}
	smooth, err := newSmoothing(neighbours).neighbours(ctx, scaled(neighboursShare, smoothingShare))
	if err != nil {
		return planner.Clusters{}, err
	}
	clusters, err := newLinkage(smooth).merge(ctx, leastTogether, scaled(neighboursShare+smoothingShare, mergingShare))
	if err != nil {
		return planner.Clusters{}, err
	}
	groups := groupsOf(clusters, of)
	found := planner.Clusters{Groups: make([]planner.Group, len(groups)), Tokens: Text{}.Tokens(phrases)}
	for i, members := range groups {
		found.Groups[i] = planner.Group{
			Members: members,
			Primary: primaryOf(phrases, members, func(p int) float64 { return centrality(neighbours[of[p]], clusters, of[p]) }),
		}
	}
	nameGroups(phrases, found.Groups)
	progress(total, total)
	return found, nil
}

// Tokens counts words, each character of a script without spaces as one, and one
// for each phrase.
func (Text) Tokens(phrases []planner.Phrase) int64 {
	tokens := int64(len(phrases))
	for _, p := range phrases {
		tokens += int64(len(words(p.Text)))
	}
	return tokens
}

// distinctOf are the phrases' words, each different list once, and which of them
// each phrase is. A phrase without any word is the one of its own text. They are
// in alphabetical order, so that nothing that follows depends on the phrases'.
func distinctOf(phrases []planner.Phrase) (distinct [][]string, of []int) {
	keys, lists := make([]string, len(phrases)), map[string][]string{}
	for i, p := range phrases {
		w := words(p.Text)
		keys[i] = strings.Join(w, " ")
		if len(w) == 0 {
			keys[i] = "\x00" + text.Fold(p.Text)
		}
		lists[keys[i]] = w
	}
	order := slices.Sorted(maps.Keys(lists))
	place := make(map[string]int, len(order))
	for n, key := range order {
		place[key] = n
		distinct = append(distinct, lists[key])
	}
	of = make([]int, len(phrases))
	for i, key := range keys {
		of[i] = place[key]
	}
	return distinct, of
}

// groupsOf are the phrases of each cluster.
func groupsOf(clusters []int32, of []int) [][]int {
	at := map[int32]int{}
	var groups [][]int
	for i, d := range of {
		n, seen := at[clusters[d]]
		if !seen {
			n = len(groups)
			at[clusters[d]] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], i)
	}
	return groups
}

// centrality is how alike a phrase is to all others of its cluster together.
func centrality(neighbours []neighbour, clusters []int32, self int) (sum float64) {
	for _, n := range neighbours {
		if clusters[n.to] == clusters[self] {
			sum += float64(n.alike)
		}
	}
	return sum
}
