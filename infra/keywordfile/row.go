package keywordfile

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/igny8/igny8/commands/planner"
)

const (
	maxSerpURLs = 20
	maxURL      = 2048
	maxAmount   = 1_000_000_000_000
	// maxParent is how long, in characters, a parent topic may be.
	maxParent = 255
)

// details reads a row's cells. A cell that should be a number and is something
// else rejects the row, as it mostly means that the row belongs to another table:
// problem says why, and column names the cell.
func (t *table) details(cells []string) (d planner.KeywordDetails, problem, column string) {
	if d.Text, problem = phrase(cellAt(cells, t.columns.keyword)); problem != "" {
		return d, problem, t.name(t.columns.keyword)
	}
	for _, read := range []func(*planner.KeywordDetails, []string) (string, int){t.readVolume, t.readDifficulty, t.readCPC} {
		if problem, i := read(&d, cells); problem != "" {
			return d, problem, t.name(i)
		}
	}
	d.Country = t.readCountry(cells)
	if intents := t.readIntents(cells); len(intents) > 0 {
		d.Intents, d.IntentSource, d.IntentConfidence = intents, "import", intentConfidence
	}
	if d.Trend = t.months(cells); d.Trend == nil {
		for _, i := range t.trend {
			if d.Trend = trendOf(cellAt(cells, i)); d.Trend != nil {
				break
			}
		}
	}
	d.ParentTopic = t.readParent(cells)
	d.SerpURLs = t.readURLs(cells)
	return d, "", ""
}

// name is what the header calls a column.
func (t *table) name(i int) string { return clean(cellAt(t.cells, i)) }

// phrase gives a cell's text, or says why it is no keyword.
func phrase(cell string) (text, problem string) {
	text = clean(cell)
	switch {
	case text == "":
		return "", "There is no keyword in this row."
	case strings.IndexByte(text, 0) >= 0:
		return "", "The keyword has NUL bytes. Remove them, or export the file again."
	case strings.ContainsRune(text, '\uFFFD'):
		return "", "The keyword has characters that were lost before (\uFFFD). Export the file again as UTF-8."
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", "The keyword has control characters. Remove them, or export the file again."
	case isFormula(text):
		return "", "The keyword is a formula, which a spreadsheet could run. Replace it by its text."
	default:
		return text, ""
	}
}

// clean is a cell's text in one line.
func clean(s string) string {
	plain := true
	for i := range len(s) {
		if b := s[i]; b >= 0x80 || b < ' ' || b == ' ' && (i == 0 || i == len(s)-1 || s[i+1] == ' ') {
			plain = false
			break
		}
	}
	if plain {
		return strings.Clone(s)
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || r == '\n' || r == '\r' || r == '\t' || r == '\u00A0' || r == '\uFEFF' || r == '\u2028' || r == '\u2029' || r == '\u202F' || r == '\u3000'
	}), " ")
}

// amount reads a cell as a number of at least 0.
func (t *table) amount(cells []string, i int) (number, string) {
	cell := cellAt(cells, i)
	n, ok := readNumber(cell, t.styles[i])
	switch {
	case !ok:
		return n, fmt.Sprintf("%q is not a number. Correct it, or leave the cell empty if it is unknown.", shortened(cell))
	case n.value < 0:
		return n, fmt.Sprintf("%q is less than 0. Correct it, or leave the cell empty if it is unknown.", shortened(cell))
	case n.value > maxAmount:
		return n, fmt.Sprintf("%q is more than can be. Correct it, or leave the cell empty if it is unknown.", shortened(cell))
	default:
		return n, ""
	}
}

// readVolume takes the first column with data, or else the range of the columns
// with the least and the most.
func (t *table) readVolume(d *planner.KeywordDetails, cells []string) (problem string, at int) {
	for _, i := range t.volume {
		n, problem := t.amount(cells, i)
		if problem != "" {
			return problem, i
		}
		if n.known {
			volume := int64(math.Round(n.value))
			d.Volume, d.VolumeIsBucket = &volume, n.rounded || t.isBucket(volume, cells)
			return "", 0
		}
	}
	if len(t.low) == 0 || len(t.high) == 0 {
		return "", 0
	}
	low, problem := t.amount(cells, t.low[0])
	if problem != "" {
		return problem, t.low[0]
	}
	high, problem := t.amount(cells, t.high[0])
	if problem != "" {
		return problem, t.high[0]
	}
	if volume, ok := bounded(low, high); ok {
		d.Volume, d.VolumeIsBucket = &volume, true
	}
	return "", 0
}

// bounded is the volume between two bounds, one of which may be a range itself.
func bounded(low, high number) (volume int64, ok bool) {
	switch {
	case low.known && high.known:
		return int64(between(min(low.value, high.value), max(low.value, high.value))), true
	case low.known && low.rounded:
		return int64(low.value), true
	case high.known && high.rounded:
		return int64(high.value), true
	default:
		return 0, false
	}
}

// isBucket says whether a volume of Google Keyword Planner's stands for a range:
// accounts without spend get these steps, and no months.
func (t *table) isBucket(volume int64, cells []string) bool {
	if len(t.columns.months) == 0 || t.exact {
		return false
	}
	switch volume {
	case 0, 50, 500, 5_000, 50_000, 500_000, 5_000_000:
		return len(t.months(cells)) == 0
	default:
		return false
	}
}

func (t *table) readDifficulty(d *planner.KeywordDetails, cells []string) (problem string, at int) {
	for _, i := range t.difficulty {
		n, problem := t.amount(cells, i)
		if problem == "" && n.value > 100 {
			problem = fmt.Sprintf("%q is not a difficulty: those are 0 to 100.", shortened(cellAt(cells, i)))
		}
		if problem != "" {
			return problem, i
		}
		if n.known {
			difficulty := int64(math.Round(n.value))
			d.Difficulty = &difficulty
			return "", 0
		}
	}
	return "", 0
}

// readCPC takes the currency from the cell's sign, the currency's column or the
// header's name, in this order.
func (t *table) readCPC(d *planner.KeywordDetails, cells []string) (problem string, at int) {
	for _, i := range t.cpc {
		n, problem := t.amount(cells, i)
		if problem != "" {
			return problem, i
		}
		if !n.known || n.value == 0 && t.zeroIsUnknown {
			continue
		}
		d.Currency = n.unit
		for _, c := range t.currencyCells {
			if d.Currency == "" {
				d.Currency = currencyOf(cellAt(cells, c))
			}
		}
		if d.Currency == "" {
			d.Currency = t.currency[i]
		}
		cpc := minorUnits(n.value, d.Currency)
		if cpc > maxAmount {
			return fmt.Sprintf("%q is more than can be. Correct it, or leave the cell empty if it is unknown.", shortened(cellAt(cells, i))), i
		}
		d.CPC = &cpc
		return "", 0
	}
	return "", 0
}

func (t *table) readCountry(cells []string) string {
	for _, i := range t.country {
		if code := t.countriesSeen.of(cellAt(cells, i)); code != "" {
			return code
		}
	}
	return ""
}

func (t *table) readIntents(cells []string) []planner.Intent {
	for _, i := range t.intents {
		if intents := t.intentsSeen.of(cellAt(cells, i)); len(intents) > 0 {
			return slices.Clone(intents)
		}
	}
	var intents []planner.Intent
	for i, intent := range t.flags {
		if isTrue(cellAt(cells, i)) {
			intents = append(intents, planner.Intent(intent))
		}
	}
	slices.Sort(intents)
	return intents
}

func (t *table) readParent(cells []string) string {
	for _, i := range t.parent {
		s, problem := phrase(cellAt(cells, i))
		if problem == "" && !noData[strings.ToLower(s)] && utf8.RuneCountInString(s) <= maxParent {
			return s
		}
	}
	return ""
}

// readURLs takes all addresses of the first column that has any.
func (t *table) readURLs(cells []string) []string {
	for _, i := range t.urls {
		if found := addresses(cellAt(cells, i)); len(found) > 0 {
			return found
		}
	}
	return nil
}

func addresses(cell string) []string {
	if !strings.Contains(cell, "http") {
		return nil
	}
	var found []string
	for _, word := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(" \t\r\n\",", r) }) {
		if !strings.HasPrefix(word, "http://") && !strings.HasPrefix(word, "https://") || len(word) > maxURL {
			continue
		}
		if u, err := url.Parse(word); err == nil && u.Host != "" && len(found) < maxSerpURLs && !slices.Contains(found, word) {
			found = append(found, strings.Clone(word))
		}
	}
	return found
}
