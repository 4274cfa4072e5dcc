package keywordfile

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/igny8/igny8/commands/planner"
)

// countryOf gives the ISO 3166-1 code of a country that is named by its code, by
// its name in one of ten languages, as a locale ("en-US") or as the last part of
// a place ("Austin, Texas, United States"); "" where it is none, such as
// "Worldwide".
func countryOf(cell string) string {
	s := strings.ToLower(strings.TrimSpace(cell))
	if s == "" {
		return ""
	}
	if i := strings.LastIndexByte(s, ','); i >= 0 {
		s = strings.TrimSpace(s[i+1:])
	}
	if len(s) == 5 && (s[2] == '-' || s[2] == '_') {
		s = s[3:]
	}
	return countryNames()[s]
}

// countryNames maps codes and names in lower case to codes.
var countryNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{
		"uk": "GB", "usa": "US", "u.s.": "US", "u.s.a.": "US", "united states of america": "US", "great britain": "GB", "england": "GB", "uae": "AE",
		"south korea": "KR", "north korea": "KP", "russian federation": "RU", "viet nam": "VN", "czech republic": "CZ", "turkey": "TR", "türkiye": "TR",
		"hong kong": "HK", "macao": "MO", "ivory coast": "CI", "macedonia": "MK", "holland": "NL",
		"abd": "US", "birleşik devletler": "US", "estados unidos de américa": "US", "соединенные штаты": "US", "сша": "US", "великобритания": "GB",
	}
	languages := []display.Namer{
		display.English.Regions(), display.Spanish.Regions(), display.French.Regions(), display.German.Regions(), display.Portuguese.Regions(),
		display.Italian.Regions(), display.Turkish.Regions(), display.Russian.Regions(), display.Chinese.Regions(), display.Japanese.Regions(),
	}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			region, err := language.ParseRegion(code)
			if err != nil {
				continue
			}
			if _, err := (planner.KeywordDetails{Text: code, Country: code}).Checked(); err != nil {
				continue // the domain knows ISO 3166-1; the library knows codes of the past besides.
			}
			names[strings.ToLower(code)] = code
			for _, namer := range languages {
				if name := strings.ToLower(namer.Name(region)); name != "" && names[name] == "" {
					names[name] = code
				}
			}
		}
	}
	return names
})
