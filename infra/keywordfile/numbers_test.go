package keywordfile

import (
	"fmt"
	"strconv"
	"testing"
)

func TestNumbersAsToolsWriteThem(t *testing.T) {
	t.Parallel()
	english, german := style{}, style{commaIsDecimal: true, dotGroups: true}
	for _, c := range []struct {
		cell string
		st   style
		want string // value, "~" before it for ranges, unit after it; "unknown"; "no number"
	}{
		{"", english, "unknown"},
		{"N/A", english, "unknown"},
		{" --", english, "unknown"},
		{"-", english, "unknown"},
		{"∞", english, "unknown"},
		{"0", english, "0"},
		{"10,000", english, "10000"},
		{"1,234", english, "1234"},
		{"1,234", german, "1.234"},
		{"30,55", english, "30.55"},
		{"0,123", english, "0.123"},
		{"1.234", german, "1234"},
		{"1.234", english, "1.234"},
		{"1.234.567", english, "1234567"},
		{"1,23,456", english, "123456"},
		{"1.234,56", english, "1234.56"},
		{"1,234.56", german, "1234.56"},
		{"12 345", english, "12345"},
		{"12\u00a0345", english, "12345"},
		{"1'234", english, "1234"},
		{"$0.37", english, "0.37 USD"},
		{"$0.42 ", english, "0.42 USD"},
		{"₹153.18", english, "153.18 INR"},
		{"1,20 €", german, "1.2 EUR"},
		{"USD 3", english, "3 USD"},
		{"R$ 2,50", german, "2.5 BRL"},
		{"45.61%", english, "45.61"},
		{"%3", english, "3"},
		{"-100%", english, "-100"},
		{"0.16670000000000001", english, "0.16670000000000001"},
		{"1.5K", english, "1500"},
		{"2M", english, "2000000"},
		{"1K – 10K", english, "~5000"},
		{"1K-10K", english, "~5000"},
		{"100-1K", english, "~500"},
		{"10–100", english, "~50"},
		{"10,000 - 100,000", english, "~50000"},
		{"1 mil–10 mil", english, "~5000"},
		{"118001..300000", english, "~188150"},
		{"11501-30300", english, "~18668"},
		{"0-10", english, "~5"},
		{"<10", english, "~5"},
		{">1000", english, "~1000"},
		{"10+", english, "~10"},
		{"lots", english, "no number"},
		{"12 apples", english, "no number"},
		{"2026-01-01", english, "no number"},
		{"1e3", english, "1000"},
		{"1e400", english, "no number"},
	} {
		n, ok := readNumber(c.cell, c.st)
		got := strconv.FormatFloat(n.value, 'f', -1, 64)
		if n.rounded {
			got = "~" + got
		}
		if n.unit != "" {
			got += " " + n.unit
		}
		if !n.known {
			got = "unknown"
		}
		if !ok {
			got = "no number"
		}
		if got != c.want {
			t.Errorf("%q with %+v reads as %s, not %s", c.cell, c.st, got, c.want)
		}
	}
}

func TestAColumnTellsCommasApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cells []string
		whole bool
		file  evidence
		want  style
	}{
		{cells: []string{"1,234", "30,55"}, want: style{commaIsDecimal: true, dotGroups: true}},
		{cells: []string{"1,234", "12,345,678"}, want: style{}},
		{cells: []string{"1,234", "0.5"}, want: style{}},
		{cells: []string{"1,234"}, want: style{}},
		{cells: []string{"1,234"}, file: evidence{commaDecimal: 3}, want: style{commaIsDecimal: true, dotGroups: true}},
		{cells: []string{"1,234"}, file: evidence{commaDecimal: 3}, whole: true, want: style{dotGroups: true}},
		{cells: []string{"1.234"}, whole: true, want: style{dotGroups: true}},
		{cells: []string{"1.234"}, want: style{}},
		{cells: []string{"1.234", "0.5"}, whole: true, want: style{}},
	} {
		var e evidence
		for _, cell := range c.cells {
			e.see(cell)
		}
		if got := e.style(c.file, c.whole); got != c.want {
			t.Errorf("%v read as %+v, not %+v", c.cells, got, c.want)
		}
	}
}

func TestMoneyIsCountedInMinorUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount float64
		code   string
		want   int64
	}{{0.37, "USD", 37}, {1.005, "EUR", 101}, {120, "JPY", 120}, {0.125, "KWD", 125}, {2.675, "", 268}} {
		if got := minorUnits(c.amount, c.code); got != c.want && got != c.want-1 {
			t.Errorf("%v %s are %d", c.amount, c.code, got)
		}
	}
}

func TestCountriesByCodeNameAndPlace(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"us": "US", "US": "US", "uk": "GB", "United States": "US", "Austin, Texas, United States": "US", "en-GB": "GB", "Türkiye": "TR", "Turkey": "TR",
		"Deutschland": "DE", "España": "ES", "Россия": "RU", "日本": "JP", "中国": "CN", "Estados Unidos": "US", "États-Unis": "US",
		"Anywhere": "", "Worldwide": "", "": "", "xx": "", "zz": "",
	} {
		if got := countryOf(cell); got != want {
			t.Errorf("%q is %q, not %q", cell, got, want)
		}
	}
}

func TestIntentsInEveryNotation(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"Informational, Transactional": "[informational transactional]",
		"informational":                "[informational]",
		"I, N":                         "[informational navigational]",
		"C,T,L":                        "[commercial transactional]",
		"Informational,Commercial,Non-branded,Non-local": "[informational commercial]",
		"Branded": "[]", "": "[]", "N/A": "[]", "-": "[]",
		"Commercial Investigation": "[commercial]",
		"Информационный":           "[informational]",
	} {
		if got := fmt.Sprint(intentsOf(cell)); got != want {
			t.Errorf("%q is %s, not %s", cell, got, want)
		}
	}
}

func TestTrendsInOneCell(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"34, 32, 20": "[34 32 20]", "[23,36,100]": "[23 36 100]", "0.82,1.00,0.5": "[82 100 50]", "1,1,0": "[1 1 0]",
		"": "[]", "5": "[]", "a, b": "[]", "1,-2": "[]", "nan,1": "[]",
	} {
		if got := fmt.Sprint(trendOf(cell)); got != want {
			t.Errorf("%q is %s, not %s", cell, got, want)
		}
	}
	if got := trendOf("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25"); len(got) != maxTrend || got[23] != 25 || got[0] != 2 {
		t.Errorf("the newest months are %v", got)
	}
}

func TestFormulasAreToldFromOperators(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"=1+1": true, "= 1": true, "=cmd|'/C calc'!A0": true, "'=SUM(A1)": true, "＝1+1": true,
		"@SUM(1)": true, "+HYPERLINK(\"x\")": true, "-2+3+cmd|' /C calc'!A0": true, "-Sheet1!A1": true,
		"-site:example.com": false, "+coffee +grinder": false, "@home": false, "-yahoo!": false, "-10 degrees (iced)": false,
		"coffee = life": false, "=": false, "": false, "a|b": false, "1+1=2": false,
	} {
		if isFormula(text) != want {
			t.Errorf("%q is a formula: %v", text, !want)
		}
	}
}
