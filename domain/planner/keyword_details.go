package planner

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// Intent is what somebody who searches for a keyword wants.
type Intent string

// The intents.
const (
	Informational Intent = "informational"
	Navigational  Intent = "navigational"
	Commercial    Intent = "commercial"
	Transactional Intent = "transactional"
)

// Intents lists all intents.
func Intents() []Intent { return []Intent{Informational, Navigational, Commercial, Transactional} }

// IntentSource says where a keyword's intents come from.
type IntentSource string

// The sources, the one that outweighs the others first.
const (
	IntentByPerson IntentSource = "person" // somebody said so; confidence 100
	IntentByImport IntentSource = "import" // an imported file said so
	IntentByModel  IntentSource = "model"  // a language model
	IntentByRules  IntentSource = "rules"  // words such as "buy" or "how to"
)

const (
	maxKeyword  = 255
	maxTrend    = 24
	maxSerpURLs = 20
	maxURL      = 2048
	maxAmount   = 1_000_000_000_000
)

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// outweighs says whether intents of source s replace those of another.
func (s IntentSource) outweighs(other IntentSource) bool {
	order := []IntentSource{"", IntentByRules, IntentByModel, IntentByImport, IntentByPerson}
	return slices.Index(order, s) > slices.Index(order, other)
}

// Known says how many and which of its facts besides the text are known, as a
// set of bits: whoever knows no more has nothing to add by With.
func (d KeywordDetails) Known() (bits uint8) {
	for i, known := range []bool{
		d.Volume != nil, d.Volume != nil && !d.VolumeIsBucket, d.Difficulty != nil, d.CPC != nil,
		d.IntentSource.outweighs(IntentByRules), len(d.Trend) > 0, d.ParentTopic != "", len(d.SerpURLs) > 0,
	} {
		if known {
			bits |= 1 << i
		}
	}
	return bits
}

// With is the details and what other knows besides: nothing known is replaced,
// but a rounded volume by an exact one and intents by those that outweigh them.
func (d KeywordDetails) With(other KeywordDetails) KeywordDetails {
	if d.Volume == nil || d.VolumeIsBucket && other.Volume != nil && !other.VolumeIsBucket {
		d.Volume, d.VolumeIsBucket = other.Volume, other.VolumeIsBucket
	}
	if d.Difficulty == nil {
		d.Difficulty = other.Difficulty
	}
	if d.CPC == nil {
		d.CPC, d.Currency = other.CPC, other.Currency
	}
	if other.IntentSource.outweighs(d.IntentSource) {
		d.Intents, d.IntentSource, d.IntentConfidence = other.Intents, other.IntentSource, other.IntentConfidence
	}
	if len(d.Trend) == 0 {
		d.Trend = other.Trend
	}
	if d.ParentTopic == "" {
		d.ParentTopic = other.ParentTopic
	}
	if len(d.SerpURLs) == 0 {
		d.SerpURLs = other.SerpURLs
	}
	return d
}

// Checked is the details in their stored form, or what is wrong with them.
func (d KeywordDetails) Checked() (KeywordDetails, error) {
	faults := es.Faults{}
	d.Text = text.Field(faults, "keyword", d.Text, 1, maxKeyword)
	d.ParentTopic = text.Field(faults, "parent_topic", d.ParentTopic, 0, maxKeyword)
	if d.Country = strings.ToUpper(strings.TrimSpace(d.Country)); d.Country != "" && !isCountry(d.Country) {
		faults.Add("country", "A country is a code of ISO 3166-1 with two letters, such as US or DE.")
	}
	within(faults, "volume", d.Volume, maxAmount)
	within(faults, "difficulty", d.Difficulty, 100)
	within(faults, "cpc", d.CPC, maxAmount)
	if d.Volume == nil {
		d.VolumeIsBucket = false
	}
	d.checkCurrency(faults)
	d.checkIntents(faults)
	d.checkTrend(faults)
	d.checkSerpURLs(faults)
	return d, faults.Err()
}

func within(faults es.Faults, path string, n *int64, most int64) {
	if n != nil && (*n < 0 || *n > most) {
		faults.Add(path, "It is 0 to %d; leave it out when it is unknown.", most)
	}
}

func (d *KeywordDetails) checkCurrency(faults es.Faults) {
	switch {
	case d.CPC == nil:
		d.Currency = ""
	case d.Currency == "":
		d.Currency = "USD"
	case !currencyCode.MatchString(d.Currency):
		faults.Add("currency", "A currency is three capital letters, such as USD.")
	}
}

func (d *KeywordDetails) checkIntents(faults es.Faults) {
	for i, intent := range d.Intents {
		if !slices.Contains(Intents(), intent) {
			faults.Add(fmt.Sprintf("intents[%d]", i), "An intent is one of informational, navigational, commercial, transactional.")
		}
	}
	d.Intents = slices.Compact(slices.Sorted(slices.Values(d.Intents)))
	if len(d.Intents) == 0 {
		d.Intents, d.IntentSource, d.IntentConfidence = nil, "", 0
		return
	}
	if d.IntentSource == "" {
		d.IntentSource, d.IntentConfidence = IntentByPerson, 100
	}
	if !slices.Contains([]IntentSource{IntentByPerson, IntentByImport, IntentByModel, IntentByRules}, d.IntentSource) {
		faults.Add("intent_source", "There is no such source of intents.")
	}
	within(faults, "intent_confidence", &d.IntentConfidence, 100)
}

func (d *KeywordDetails) checkTrend(faults es.Faults) {
	if len(d.Trend) > maxTrend {
		faults.Add("trend", "At most %d months fit here; these are %d.", maxTrend, len(d.Trend))
	}
	for i, n := range d.Trend {
		within(faults, fmt.Sprintf("trend[%d]", i), &n, maxAmount)
	}
	if len(d.Trend) == 0 {
		d.Trend = nil
	}
}

func (d *KeywordDetails) checkSerpURLs(faults es.Faults) {
	if len(d.SerpURLs) > maxSerpURLs {
		faults.Add("serp_urls", "At most %d addresses fit here; these are %d.", maxSerpURLs, len(d.SerpURLs))
	}
	var clean []string
	for i, raw := range d.SerpURLs {
		raw = strings.TrimSpace(raw)
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(raw) > maxURL || !utf8.ValidString(raw) {
			faults.Add(fmt.Sprintf("serp_urls[%d]", i), "An address starts with https:// and is at most %d bytes long.", maxURL)
		}
		clean = append(clean, raw)
	}
	d.SerpURLs = clean
}

// countries are the codes of ISO 3166-1 alpha-2.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ" +
	" CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR" +
	" GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP" +
	" KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ" +
	" NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW" +
	" SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ" +
	" UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "

func isCountry(code string) bool {
	return len(code) == 2 && strings.Contains(countries, " "+code+" ")
}
