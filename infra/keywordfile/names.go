package keywordfile

import "strings"

const (
	// lastResort is the rank of a column that counts only where it is alone.
	lastResort = 9
	// maxHeaderCell is how long, in bytes, a cell may be to name a column.
	maxHeaderCell = 200
)

// columnNames are the known names of columns in lower case, as tools write them
// in English, Spanish, French, German, Portuguese, Italian, Turkish, Russian,
// Chinese, Japanese, and where they are known in a few more languages.
var columnNames = namedColumns([]naming{
	// AnswerThePublic: its "Keyword" is the seed.
	{keywordColumn, 0, `suggestion`},
	{keywordColumn, 1, `keyword|search term|search query|query|top queries|top query|phrase|keyword phrase|key phrase|search keyword|search phrase|keyword text
		palabra clave|término de búsqueda|consulta|consultas principales|principales consultas|consulta de búsqueda
		mot clé|mot-clé|requête|requêtes les plus fréquentes|principales requêtes|terme de recherche
		schlüsselwort|suchbegriff|suchanfrage|häufigste suchanfragen|häufige suchanfragen|stichwort
		palavra-chave|palavra chave|termo de pesquisa|principais consultas|consultas mais frequentes
		parola chiave|termine di ricerca|query principali|query più frequenti|principali query
		anahtar kelime|en çok yapılan sorgular|en popüler sorgular|sorgu|arama terimi
		формулировка|ключевое слово|ключевая фраза|запрос|поисковый запрос|поисковая фраза|популярные запросы|самые популярные запросы|фраза
		关键字|关键词|热门查询|查询|搜索字词|關鍵字|熱門查詢|查詢
		キーワード|上位のクエリ|クエリ|検索キーワード|検索語句
		populairste zoekopdrachten|zoekwoord|najpopularniejsze zapytania|słowo kluczowe|nejčastější dotazy|klíčové slovo|vanligaste sökfrågorna|sökord|인기 검색어|키워드`},
	{keywordColumn, 2, `keywords|queries|search terms|search queries|search query terms|phrases|term|terms
		palabras clave|consultas|mots clés|mots-clés|requêtes|schlüsselwörter|suchbegriffe|suchanfragen|palavras-chave|parole chiave|anahtar kelimeler|sorgular|ключевые слова|запросы`},

	{volumeColumn, 0, `volume|search volume|search vol.|search vol|searches|monthly searches|monthly volume|monthly search volume|msv|sv|vol|vol.
		avg. monthly searches|avg monthly searches|average monthly searches|average monthly search volume|avg. search volume|avg search volume|avg. monthly volume
		avg. search volume (last known values)|local monthly searches|avg. monthly searches (exact match only)
		promedio de búsquedas mensuales|prom. de búsquedas mensuales|volumen|volumen de búsqueda|volumen de búsquedas|búsquedas mensuales
		nombre moyen de recherches mensuelles|moy. de recherches mensuelles|volume de recherche|volume de recherches|volume recherche|recherches mensuelles
		durchschnittl. suchanfragen pro monat|durchschnittliche suchanfragen pro monat|durchschn. suchanfragen pro monat|durchschnittliche monatliche suchanfragen|suchvolumen|monatliche suchanfragen
		média de pesquisas mensais|média de pesq. mensais|volume de pesquisa|volume de pesquisas|volume de busca|volume de buscas|pesquisas mensais
		media ricerche mensili|media delle ricerche mensili|media di ricerche mensili|volume di ricerca|volume di ricerche|volume ricerche|ricerche mensili
		aylık ort. arama sayısı|aylık ortalama arama sayısı|ortalama aylık arama|ortalama aylık aramalar|ort. aylık aramalar|arama hacmi|aylık arama hacmi|hacim
		число запросов|среднее число запросов в месяц|ср. число запросов в месяц|сред. число запросов в месяц|частотность|частота|объем|объём|объем поиска|объём поиска|показов в месяц
		平均每月搜索量|每月平均搜索量|搜索量|月搜索量|每月搜索量|平均每月搜尋量|搜尋量
		月間平均検索ボリューム|検索ボリューム|月間検索数|月間検索ボリューム|検索数
		zoekvolume|liczba wyszukiwań|검색량`},
	{volumeColumn, 1, `avg. search volume (last 12 months)`},
	{volumeColumn, 2, `avg. search volume (last 6 months)`},
	{volumeColumn, 3, `avg. search volume (last 3 months)`},
	{volumeColumn, lastResort, `global monthly searches`},
	{lowVolumeColumn, 0, `min search volume|min volume|min. volume|minimum volume|volume min|min monthly searches|min. search volume`},
	{highVolumeColumn, 0, `max search volume|max volume|max. volume|maximum volume|volume max|max monthly searches|max. search volume`},

	{difficultyColumn, 0, `difficulty|keyword difficulty|kd|kd%|kd %|keyword difficulty index|search difficulty|seo difficulty|organic difficulty|difficulty score|keyword difficulty score
		dificultad|dificultad de la palabra clave|dificultad kw|difficulté|difficulté du mot clé|difficulté de mot clé|schwierigkeit|keyword-schwierigkeit|keyword schwierigkeit
		dificuldade|dificuldade da palavra-chave|difficoltà|difficoltà della parola chiave|zorluk|anahtar kelime zorluğu|сложность|сложность ключевого слова|сложность продвижения|关键词难度|难度|難易度|キーワード難易度`},

	{cpcColumn, 0, `cpc|avg. cpc|avg cpc|average cpc|cost per click|estimated cpc|estimated avg. cpc|suggested bid|est. cpc
		coste por clic|costo por clic|coût par clic|kosten pro klick|klickpreis|custo por clique|costo per clic|tbm|tıklama başına maliyet|tıklama maliyeti|цена клика|стоимость клика|цена за клик|每次点击费用|单次点击费用|クリック単価`},
	{cpcColumn, 1, `top of page bid (high range)|puja por la parte superior de la página (intervalo alto)|puja por parte superior de la página (intervalo superior)|enchère de haut de page (fourchette supérieure)|enchère de haut de page (fourchette haute)
		gebot für obere positionen (oberer bereich)|gebot für obere seitenposition (oberer bereich)|lance na parte superior da página (maior valor)|lance para parte superior da página (intervalo alto)
		offerta per la parte superiore della pagina (gamma alta)|offerta inizio pagina (intervallo superiore)|sayfanın üst kısmı için teklif (yüksek aralık)|ставка для показа вверху страницы (макс.)|页首出价（高位区间）|ページ上部に掲載された広告の入札単価（高額帯）`},
	{cpcColumn, 2, `top of page bid (low range)|puja por la parte superior de la página (intervalo bajo)|enchère de haut de page (fourchette inférieure)|enchère de haut de page (fourchette basse)
		gebot für obere positionen (unterer bereich)|lance na parte superior da página (menor valor)|offerta per la parte superiore della pagina (gamma bassa)|sayfanın üst kısmı için teklif (düşük aralık)|ставка для показа вверху страницы (мин.)|页首出价（低位区间）|ページ上部に掲載された広告の入札単価（低額帯）`},
	{currencyColumn, 0, `currency|currency code|moneda|divisa|devise|währung|moeda|valuta|para birimi|валюта|货币|币种|通貨`},

	{countryColumn, 0, `country|country code|market|país|pays|land|paese|ülke|страна|国家|国家/地区|国`},
	{countryColumn, 1, `database|location|locale|region|base de datos|ubicación|localisation|emplacement|standort|região|localização|posizione geografica|konum|bölge|регион|地区|地域`},

	{intentsColumn, 0, `intent|intents|search intent|search intents|keyword intents|keyword intent|user intent|intención|intención de búsqueda|intention|intention de recherche|suchintention|absicht
		intenção|intenção de pesquisa|intenção de busca|intento|intento di ricerca|intento di ricerca|amaç|arama amacı|arama niyeti|интент|намерение|搜索意图|意图|検索意図|インテント`},
	{trendColumn, 0, `trend|trends|search trend|volume trend|sv trend|tendencia|tendance|tendência|tendenza|eğilim|trendler|тренд|趋势|トレンド`},

	{parentColumn, 0, `parent topic|parent keyword|parent|tema principal|sujet parent|übergeordnetes thema|tópico principal|argomento principale|ana konu|родительская тема|母主题|親トピック`},
	{parentColumn, 1, `topic`},
	{urlColumn, 0, `url|current url|serp url|ranking url|landing page|top url|position url`},
	{urlColumn, 1, `competitors`},
	{segmentColumn, 0, `segmentation`},

	{otherColumn, 0, `#|no|no.|keyword id|id|seed keyword|seed|modifier|modifier type|language|languages|page|page type|pages|top pages|tags|tag|category|click potential|content references|ad group|campaign
		competition|competition (indexed value)|competitive density|ad share|ppc|paid difficulty|pd|ad impression share|impr. share|organic impression share|organic impr. share|organic average position|organic avg. position
		in account?|in plan?|extracted from|extracted from webpage|three month change|yoy change|üç aylık değişim|yıldan yıla değişim|rekabet|rekabet (endekslenmiş değer)
		cps|last update|updated|first seen|serp features|serp features by keyword|global volume|global search volume|traffic potential|global traffic potential|parent topic volume|referring domains|domain rating|ahrefs rank|traffic|organic traffic|paid traffic|traffic (%)|traffic cost
		position|previous position|current position|current url inside|type|title|entities|number of results|results|timestamp|position type|positions|clicks|impressions|ctr|average position|date|device|devices|countries|search appearance|filter|value
		est.visits|est. visits|estimated visits|serp position|content type|keyword opportunities|keyword interest growth (%)|organic ctr|priority|importance|my score|branded|local
		点击次数|展示|展示次数|点击率|排名|平均排名|日期|tıklamalar|tıklama|gösterimler|görüntüleme|to|pozisyon|ortalama konum|tarih|klicks|impressionen|klickrate|durchschnittliche position|datum|clics|impresiones|posición|posición media|fecha|position moyenne|cliques|impressões|posição|data|clic|impressioni|posizione|posizione media|клики|показы|позиция|дата|クリック数|表示回数|掲載順位|日付|competencia|concurrence|wettbewerb|concorrência|concorrenza|конкуренция|конкурентность|竞争程度|競合性`},
})

// comparedMetrics end the names of columns that Search Console compares periods
// with: "Last 28 days Clicks".
var comparedMetrics = []string{" clicks", " impressions", " ctr", " position"}

// monthNames are how the months begin, in the languages of columnNames.
var monthNames = [12]string{
	"jan ene gen oca янв", "feb fév fev şub фев", "mar mär мар", "apr abr avr nis апр", "may mai mag май мая", "jun juin giu haz июн",
	"jul juil lug tem июл", "aug ago aoû ağu авг", "sep set eyl сен", "oct okt out ott eki окт", "nov kas ноя", "dec dic dez déc ara дек",
}

// naming gives columns with one meaning their names, separated by | or line
// breaks.
type naming struct {
	role  role
	rank  int
	names string
}

func namedColumns(namings []naming) map[string]column {
	all := map[string]column{}
	for _, n := range namings {
		for _, name := range strings.FieldsFunc(n.names, func(r rune) bool { return r == '|' || r == '\n' }) {
			all[strings.TrimSpace(name)] = column{role: n.role, rank: n.rank}
		}
	}
	for name, intent := range map[string]string{
		"informational": "informational", "navigational": "navigational", "commercial": "commercial", "transactional": "transactional",
		"commercial investigation": "commercial",
	} {
		all[name] = column{role: intentColumn, intent: intent}
	}
	return all
}
