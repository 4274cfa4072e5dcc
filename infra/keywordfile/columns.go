package keywordfile

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// role is what a column is to a keyword.
type role int

const (
	unknownColumn role = iota
	keywordColumn
	volumeColumn
	lowVolumeColumn  // the least of a range
	highVolumeColumn // the most of a range
	difficultyColumn
	cpcColumn
	currencyColumn
	countryColumn
	intentsColumn
	intentColumn // true or false for one intent, which its name tells
	trendColumn  // months in one cell
	monthColumn
	parentColumn
	urlColumn
	segmentColumn // Google Keyword Planner's "Segmentation"
	otherColumn   // known, and nothing that is kept
)

var roleNames = map[role]string{
	keywordColumn: "keyword", volumeColumn: "volume", lowVolumeColumn: "volume_min", highVolumeColumn: "volume_max",
	difficultyColumn: "difficulty", cpcColumn: "cpc", currencyColumn: "currency", countryColumn: "country",
	intentsColumn: "intents", intentColumn: "intents", trendColumn: "trend", monthColumn: "trend",
	parentColumn: "parent_topic", urlColumn: "serp_urls",
}

// columns says which cells of a row are what. Each list has the cell that counts
// first first.
type columns struct {
	keyword                int
	known                  int // how many columns have a known name
	volume, low, high      []int
	difficulty, cpc        []int
	currencyCells, country []int
	intents, trend         []int
	flags                  map[int]string // the name of an intent, by cell
	months                 []int          // the newest last
	parent, urls, segment  []int
	currency               map[int]string // of CPC columns whose names tell it
}

// named is what kinds of columns there are, with their names.
func (c *columns) named(cells []string) map[string][]string {
	named := map[string][]string{}
	for _, list := range []struct {
		role  role
		cells []int
	}{
		{keywordColumn, []int{c.keyword}},
		{volumeColumn, c.volume},
		{lowVolumeColumn, c.low},
		{highVolumeColumn, c.high},
		{difficultyColumn, c.difficulty},
		{cpcColumn, c.cpc},
		{currencyColumn, c.currencyCells},
		{countryColumn, c.country},
		{intentsColumn, c.intents},
		{trendColumn, c.trend},
		{monthColumn, c.months},
		{parentColumn, c.parent},
		{urlColumn, c.urls},
	} {
		for _, i := range list.cells {
			name := roleNames[list.role]
			named[name] = append(named[name], clean(cells[i]))
		}
	}
	for i := range cells {
		if _, ok := c.flags[i]; ok {
			named["intents"] = append(named["intents"], clean(cells[i]))
		}
	}
	return named
}

// column is what a header's cell says.
type column struct {
	role role
	rank int // among columns of one role, the lowest counts first
	// currency is of a CPC column, intent of an intent's, month (year*12+month)
	// of a month's.
	currency, intent string
	month            int
}

// columnsOf reads a header; nil where no column has keywords.
func columnsOf(cells []string) *columns {
	found := make([]column, len(cells))
	c := &columns{keyword: -1, flags: map[int]string{}, currency: map[int]string{}}
	for i, cell := range cells {
		found[i] = columnOf(cell)
		if found[i].role != unknownColumn {
			c.known++
		}
	}
	ranked := func(r role) []int {
		var list []int
		for i := range found {
			if found[i].role == r {
				list = append(list, i)
			}
		}
		slices.SortStableFunc(list, func(a, b int) int { return found[a].rank - found[b].rank })
		return list
	}
	keywords := ranked(keywordColumn)
	if len(keywords) == 0 {
		return nil
	}
	c.keyword = keywords[0]
	c.volume, c.low, c.high = ranked(volumeColumn), ranked(lowVolumeColumn), ranked(highVolumeColumn)
	if len(c.volume) > 1 {
		c.volume = slices.DeleteFunc(c.volume, func(i int) bool { return found[i].rank == lastResort })
	}
	c.difficulty, c.cpc, c.currencyCells = ranked(difficultyColumn), ranked(cpcColumn), ranked(currencyColumn)
	c.country, c.intents, c.trend = ranked(countryColumn), ranked(intentsColumn), ranked(trendColumn)
	c.parent, c.urls, c.segment = ranked(parentColumn), ranked(urlColumn), ranked(segmentColumn)
	c.months = ranked(monthColumn)
	slices.SortStableFunc(c.months, func(a, b int) int { return found[a].month - found[b].month })
	for i, f := range found {
		if f.currency != "" {
			c.currency[i] = f.currency
		}
		if f.role == intentColumn {
			c.flags[i] = f.intent
		}
	}
	return c
}

var (
	endsInRemark   = regexp.MustCompile(`^(.*?)\s*(?:\(([^()]*)\)|[%:])$`)
	trendWithRange = regexp.MustCompile(`^(sv|volume|search volume) (forecasting )?trend\b`)
)

// columnOf reads one cell of a header.
func columnOf(cell string) column {
	if len(cell) > maxHeaderCell {
		return column{}
	}
	name := headerName(cell)
	if name == "" {
		return column{}
	}
	if c, ok := columnNames[name]; ok {
		return c
	}
	if m := trendWithRange.FindStringSubmatch(name); m != nil {
		if m[2] != "" {
			return column{role: otherColumn}
		}
		return column{role: trendColumn}
	}
	if month, ok := monthOf(name); ok {
		return column{role: monthColumn, month: month}
	}
	if strings.HasPrefix(name, "concept: ") {
		return column{role: otherColumn}
	}
	if base, code := cutCurrency(name); code != "" && columnNames[base].role == cpcColumn {
		c := columnNames[base]
		c.currency = code
		return c
	}
	if m := remark(name); m != nil && !strings.Contains(m[2], "global") {
		if c, ok := columnNames[strings.TrimSpace(m[1])]; ok {
			return c
		}
	}
	for _, metric := range comparedMetrics {
		if strings.HasSuffix(name, metric) {
			return column{role: otherColumn}
		}
	}
	return column{}
}

// remark splits "volume (us)", "kd %", "keyword:"; nil where there is none.
func remark(name string) []string {
	if !strings.ContainsAny(name[len(name)-1:], ")%:") {
		return nil
	}
	return endsInRemark.FindStringSubmatch(name)
}

// cutCurrency takes the currency off "cpc (usd)", "cpc/usd", "cpc, usd".
func cutCurrency(name string) (base, code string) {
	trimmed := strings.TrimRight(name, ")]")
	i := strings.LastIndexAny(trimmed, " ,/([")
	if i < 0 {
		return "", ""
	}
	return strings.TrimRight(trimmed[:i], " ,/(["), currencyOf(trimmed[i+1:])
}

// headerName is the form of a header's cell in which its case, spaces and
// invisible characters do not matter.
func headerName(cell string) string {
	var b strings.Builder
	for _, r := range cell {
		switch r {
		case '\uFEFF', '\u200B', '"':
		case 'İ':
			b.WriteByte('i')
		case '_', '\u00A0', '\u202F':
			b.WriteByte(' ')
		case '’':
			b.WriteByte('\'')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(strings.ToLower(b.String())), " ")
}

var (
	monthInWords  = regexp.MustCompile(`(?:^|[:\s])(\p{L}{3,})\.?\s+(?:de\s+)?(\d{4})$`)
	monthInDigits = regexp.MustCompile(`(?:^|[:\s])(\d{1,2})[/.-](\d{4})$`)
	yearAndMonth  = regexp.MustCompile(`(?:^|[:\s])(\d{4})[/.-](\d{1,2})(?:-01)?$`)
)

// monthOf gives the month, as year*12+month, that a header's name ends in.
func monthOf(name string) (int, bool) {
	if last := name[len(name)-1]; last < '0' || last > '9' {
		return 0, false
	}
	year, month := 0, 0
	if m := monthInDigits.FindStringSubmatch(name); m != nil {
		month, _ = strconv.Atoi(m[1])
		year, _ = strconv.Atoi(m[2])
	} else if m := yearAndMonth.FindStringSubmatch(name); m != nil {
		year, _ = strconv.Atoi(m[1])
		month, _ = strconv.Atoi(m[2])
	} else if m := monthInWords.FindStringSubmatch(name); m != nil {
		year, _ = strconv.Atoi(m[2])
		month = monthNamed(m[1])
	}
	if year < 1990 || year > 2200 || month < 1 || month > 12 {
		return 0, false
	}
	return year*12 + month, true
}

// monthNamed gives the number of a month from its name in one of the languages
// of monthNames, or 0.
func monthNamed(word string) int {
	for i, names := range monthNames {
		for _, n := range strings.Fields(names) {
			if strings.HasPrefix(word, n) {
				return i + 1
			}
		}
	}
	return 0
}
