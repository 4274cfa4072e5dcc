package builtin

import (
	"math"
	"slices"
)

// feature is something that a phrase shows, by number, with how much of it.
type feature struct {
	id     int32
	weight float32
}

// vector is a phrase's features by number; their squares add up to 1.
type vector []feature

// counter numbers the features of all phrases.
type counter struct {
	ids map[string]int32
	df  []int32 // in how many phrases each is
}

// shows are the features of a phrase, by number.
type shows struct {
	ids []int32
	how []shown
}

// shown is how often a phrase shows a feature, whether only in function words, and
// whether it is one of letters.
type shown struct {
	times             float32
	function, letters bool
}

// What is known of languages before any phrase is read. It counts where phrases are
// few, and so every word is rare: they are weighed as if there were knownPhrases
// more, with each function word in knownFunction of them. A function word tells but
// functionTells of what another word tells that is as rare.
const (
	knownPhrases  = 100
	knownFunction = 30
	functionTells = 0.6
)

func (c *counter) id(name string) int32 {
	id, known := c.ids[name]
	if !known {
		id = int32(len(c.df)) //nolint:gosec // G115: there are not that many features.
		c.ids[name] = id
		c.df = append(c.df, 0)
	}
	return id
}

// observe reads a phrase: its stems, pairs of neighbouring stems, and trigrams of
// the words' letters.
func (c *counter) observe(words []string) shows {
	occurs := map[int32]shown{}
	note := func(name string, function, letters bool) {
		id := c.id(name)
		before, again := occurs[id]
		occurs[id] = shown{before.times + 1, function && (before.function || !again), letters}
	}
	before, functionBefore := "", false
	for _, w := range words {
		s, function := stem(w), functionWords[w]
		note("w "+s, function, false)
		if before != "" {
			note("p "+before+" "+s, function && functionBefore, false)
		}
		before, functionBefore = s, function
		letters := []rune(" " + w + " ")
		for i := 0; i+3 <= len(letters); i++ {
			note("t "+string(letters[i:i+3]), function, true)
		}
	}
	var s shows
	for id := range occurs {
		s.ids = append(s.ids, id)
	}
	slices.Sort(s.ids)
	for _, id := range s.ids {
		s.how = append(s.how, occurs[id])
		c.df[id]++
	}
	return s
}

// vectors weighs each phrase's features by how rare they are: TF-IDF with
// sublinear counts, as Manning, Raghavan and Schütze describe it (Introduction to
// Information Retrieval, 6.4.1), of length 1. It also gives in how many phrases
// each feature is.
func vectors(phrases [][]string) ([]vector, []int32) {
	c := &counter{ids: map[string]int32{}}
	seen := make([]shows, len(phrases))
	for i, words := range phrases {
		seen[i] = c.observe(words)
	}
	all := make([]vector, len(phrases))
	for i, s := range seen {
		v, sum := make(vector, len(s.ids)), 0.0
		for j, id := range s.ids {
			how := s.how[j]
			df, tells := float64(c.df[id]), 1.0
			if how.function {
				df += knownFunction
				if !how.letters {
					tells = functionTells
				}
			}
			idf := math.Log(float64(1+knownPhrases+len(phrases))/(1+df)) + 1
			w := (1 + math.Log(float64(how.times))) * idf * tells
			v[j] = feature{id, float32(w)}
			sum += w * w
		}
		if sum > 0 {
			length := float32(math.Sqrt(sum))
			for j := range v {
				v[j].weight /= length
			}
		}
		all[i] = v
	}
	return all, c.df
}

func dot(a, b vector) float32 {
	var sum float32
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].id < b[j].id:
			i++
		case a[i].id > b[j].id:
			j++
		default:
			sum += float32(a[i].weight * b[j].weight) // rounded on every machine alike, never fused.
			i++
			j++
		}
	}
	return sum
}
