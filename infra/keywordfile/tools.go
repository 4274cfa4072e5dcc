package keywordfile

// toolOf names the tool that writes such a header, or "".
func toolOf(cells []string) string {
	names := map[string]bool{}
	for _, c := range cells {
		names[headerName(c)] = true
	}
	for _, tool := range []struct {
		name string
		// any of these headers are its own: all columns of one list are there.
		headers [][]string
	}{
		{"Google Keyword Planner", [][]string{
			{"competition (indexed value)"}, {"in plan?"}, {"top of page bid (high range)"}, {"extracted from"}, {"extracted from webpage"}, {"local monthly searches"}, {"min search volume"}, {"keyword", "currency", "avg. monthly searches"},
		}},
		{"AnswerThePublic", [][]string{{"modifier", "suggestion"}, {"modifier type", "suggestion"}}},
		{"KWFinder", [][]string{{"keyword interest growth (%)"}, {"keyword opportunities"}, {"avg. search volume (last known values)"}, {"avg. search volume (last 12 months)"}, {"estimated visits", "serp position"}}},
		{"Ubersuggest", [][]string{{"paid difficulty", "search difficulty"}, {"est.visits"}, {"est. visits", "seo difficulty"}}},
		{"Semrush", [][]string{{"competitive density"}, {"database", "seed keyword"}, {"serp features by keyword"}, {"keyword intents"}, {"keyword difficulty", "cpc (usd)"}, {"keyword", "intent", "volume"}}},
		{"Ahrefs", [][]string{
			{"cps"}, {"global volume"}, {"parent keyword"}, {"traffic potential"}, {"domain rating"}, {"current url", "kd"}, {"country code", "current position"}, {"current url", "volume"}, {"#", "keyword", "difficulty"},
		}},
		{"Moz", [][]string{{"min volume", "max volume"}, {"organic ctr", "difficulty"}}},
		{"SE Ranking", [][]string{{"search vol."}}},
		{"Yandex Wordstat", [][]string{{"формулировка"}, {"число запросов"}}},
		{"Google Search Console", [][]string{
			{"clicks", "impressions", "ctr"},
			{"top queries"},
			{"热门查询"},
			{"en çok yapılan sorgular"},
			{"en popüler sorgular"},
			{"häufigste suchanfragen"},
			{"requêtes les plus fréquentes"},
			{"consultas principales"},
			{"principais consultas"},
			{"query principali"},
			{"上位のクエリ"},
			{"популярные запросы"},
			{"인기 검색어"},
			{"populairste zoekopdrachten"},
			{"najpopularniejsze zapytania"},
		}},
	} {
		for _, own := range tool.headers {
			if containsAll(names, own) {
				return tool.name
			}
		}
	}
	return ""
}

func containsAll(names map[string]bool, wanted []string) bool {
	for _, n := range wanted {
		if !names[n] {
			return false
		}
	}
	return true
}
