package es_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	fast "github.com/go-json-experiment/json/v1"
	"pgregory.net/rapid"

	"github.com/igny8/igny8/domain/es"
)

// everySort has a field of every sort that events have.
type everySort struct {
	Inner
	*Pointed
	Text     string            `json:"text"`
	Opt      *string           `json:"opt,omitempty"`
	N        int64             `json:"n"`
	Small    int8              `json:"small,omitempty"`
	Unsigned uint16            `json:"unsigned"`
	Rate     float64           `json:"rate"`
	Yes      bool              `json:"yes"`
	ID       es.ID             `json:"id,omitzero"`
	At       *time.Time        `json:"at"`
	Person   es.Personal       `json:"person"`
	Tags     []string          `json:"tags"`
	Pair     [2]int            `json:"pair"`
	Bytes    []byte            `json:"bytes"`
	Map      map[string]*int   `json:"map"`
	ByID     map[es.ID][]Inner `json:"by_id"`
	Quoted   int               `json:"quoted,string"`
	Raw      json.RawMessage   `json:"raw"`
	Any      any               `json:"any"`
	Untagged string
	Deep     map[string]everySort `json:"deep"`
}

type Inner struct {
	A int    `json:"a"`
	B string `json:"b"`
}

type Pointed struct {
	C *int `json:"c"`
}

// documents are JSON texts that have much to do with the struct, and now and
// then are none.
var documents = rapid.Custom(func(t *rapid.T) []byte {
	text := []byte(document(t, 0))
	for range rapid.IntRange(0, 2).Draw(t, "spoilt") {
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			text[at] = rapid.SampledFrom([]byte("{}[]\",:0129.-eEtfn \x00\x80\xff\\u")).Draw(t, "byte")
		case 1:
			text = append(text[:at:at], text[at+1:]...)
		default:
			text = text[:at+1]
		}
		if len(text) == 0 {
			return []byte("{")
		}
	}
	return text
})

var names = []string{
	"text", "TEXT", "Text", "opt", "n", "small", "unsigned", "rate", "yes", "id", "at", "person", "tags", "pair", "bytes", "map", "by_id", "quoted",
	"raw", "any", "Untagged", "untagged", "UNTAGGED", "deep", "hidden", "a", "A", "b", "c", "Inner", "Pointed", "unknown", "t\\u0065xt", "\\ud800", "ſmall",
}

var scalars = []string{
	"null", "true", "false", "0", "-0", "1", "-1", "127", "128", "65536", "1.0", "1e2", "1E400", "1.5", "9007199254740993", "9223372036854775808",
	`""`, `"x"`, `"1"`, `" 1"`, `"null"`, `"é"`, `"\u00e9\n\t\\\/"`, `"\ud83d\ude00"`, `"\ud800"`, "\"\xff\"", `"aGk="`, `"a-k_"`, `"2026-01-02T03:04:05.6789Z"`,
	`"2026-01-02T03:04:05+02:00"`, `"0198a2c0-1111-7222-8333-444455556666"`, `"{0198A2C0-1111-7222-8333-444455556666}"`, `"sealed.1.abc"`, `"erased"`,
}

func document(t *rapid.T, depth int) string {
	what := rapid.IntRange(0, 9).Draw(t, "what")
	space := rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space")
	switch {
	case depth == 0 || what < 2 && depth < 4:
		out := "{" + space
		for i := range rapid.IntRange(0, 8).Draw(t, "fields") {
			if i > 0 {
				out += "," + space
			}
			name := rapid.SampledFrom(names).Draw(t, "name")
			if rapid.IntRange(0, 7).Draw(t, "an id") == 0 {
				name = "0198a2c0-1111-7222-8333-444455556666"
			}
			out += `"` + name + `":` + space + document(t, depth+1)
		}
		return out + "}"
	case what < 4 && depth < 4:
		out := "["
		for i := range rapid.IntRange(0, 4).Draw(t, "items") {
			if i > 0 {
				out += ","
			}
			out += document(t, depth+1)
		}
		return out + space + "]"
	default:
		return rapid.SampledFrom(scalars).Draw(t, "scalar")
	}
}

func TestEventsAreReadAsTheStandardLibraryReadsThem(t *testing.T) {
	t.Parallel()
	read, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := documents.Draw(t, "document")
		var want, got everySort
		wantErr, err := json.Unmarshal(text, &want), fast.Unmarshal(text, &got)
		switch {
		case (err == nil) != (wantErr == nil):
			t.Fatalf("%q: %v, the standard library says %v", text, err, wantErr)
		case err != nil:
			refused++
		case !reflect.DeepEqual(got, want):
			t.Fatalf("%q is read as\n%+v, by the standard library as\n%+v", text, got, want)
		default:
			read++
		}
	})
	if read == 0 || refused == 0 {
		t.Errorf("the test is void: %d documents were read and %d refused", read, refused)
	}
}
