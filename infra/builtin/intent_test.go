package builtin

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/igny8/igny8/commands/planner"
)

// intentsByLetter are intents as the table writes them.
var intentsByLetter = map[rune]planner.Intent{'n': planner.Navigational, 't': planner.Transactional, 'c': planner.Commercial, 'i': planner.Informational}

// searches are phrases with the intents that a person gives them, the likeliest
// first.
const searches = `
	n  gmail login
	n  sign in to outlook
	n  Chase Bank Log In
	n  verizon my account
	n  nike official website
	n  zara official site
	n  amazon.com
	n  www.bbc.co.uk
	n  https://example.org/path
	n  draw.io
	n  YouTube
	n  google maps
	n  best buy
	n  spotify download
	n  netflix customer service
	n  paypal account
	n  delta customer service phone number
	n  lidl store hours
	n  deutsche bahn anmelden
	n  dkb kundenportal
	n  ikea öffnungszeiten
	n  ameli espace client
	n  site officiel de la sncf
	n  correos atención al cliente
	n  iniciar sesión hotmail
	n  poste italiane area clienti
	n  nubank área do cliente
	n  ing inloggen
	n  bol klantenservice
	n  e devlet GİRİŞ
	n  E-DEVLET GIRIŞ
	n  сбербанк личный кабинет
	n  ВКонтакте вход
	n  ipko logowanie
	n  微信 登录
	n  华为官网
	n  楽天 ログイン
	n  トヨタ 公式サイト
	t  buy running shoes
	t  espresso machine for sale
	t  iphone 15 price
	t  cheap flights to rome
	t  nespresso coupon
	t  descaling solution near me
	t  used espresso machine
	t  espresso machine black friday
	t  replacement burrs for baratza encore
	t  order pizza online
	t  order checks
	t  plumber for hire
	t  hire a plumber
	t  car insurance quote
	t  moving quotes
	t  free shipping shoes
	t  black friday deals laptop
	t  wedding dress rental
	t  where to buy saffron
	t  refurbished macbook
	t  Kaffeemaschine kaufen
	t  günstige flüge nach rom
	t  GÜNSTIG reisen
	t  gunstige fluge
	t  ferienwohnung mieten
	t  iphone gutschein
	t  acheter une voiture
	t  chaussures pas cher
	t  prix iphone 15
	t  plombier près de chez moi
	t  comprar zapatillas
	t  vuelos baratos
	t  cupón descuento zara
	t  dentista cerca de mi
	t  comprare casa a roma
	t  voli offerte
	t  codice sconto zalando uomo
	t  comprar celular
	t  preço do iphone
	t  fiets kopen
	t  goedkope vluchten
	t  kahve makinesi fiyatları
	t  KAHVE MAKİNESİ FİYATLARI
	t  SATILIK daire
	t  ucuz uçak bileti
	t  купить кофемашину
	t  кофемашина цена
	t  КУПИТЬ ДЁШЕВО телефон
	t  доставка пиццы
	t  kup ekspres do kawy
	t  tanie loty
	t  购买咖啡机
	t  咖啡机价格
	t  コーヒーメーカー 通販
	t  コーヒーメーカー価格
	c  best espresso machine
	c  best crm software
	c  Top 10 CRM tools
	c  top hotels in rome
	c  breville vs delonghi
	c  notion versus evernote
	c  jura e8 review
	c  dyson v15 reviews
	c  mailchimp alternatives
	c  alternative to photoshop
	c  compare mortgage rates
	c  laptop comparison
	c  is temu legit
	c  which is better oled or qled
	c  what is the best coffee grinder
	c  espresso machines under $500
	c  apps like duolingo
	c  beste kaffeemaschine
	c  kaffeevollautomat testsieger
	c  dyson erfahrungen
	c  meilleur aspirateur
	c  aspirateur dyson avis
	c  comparatif assurance auto
	c  mejor cafetera
	c  opiniones cafetera delonghi
	c  migliori macchine da caffè
	c  recensioni dyson
	c  melhor notebook
	c  notebook dell vale a pena
	c  beste koffiemachine
	c  dyson ervaringen
	c  en iyi kahve makinesi
	c  EN İYİ telefon
	c  dyson yorumları
	c  лучшие кофемашины
	c  dyson отзывы
	c  najlepszy ekspres
	c  dyson opinie
	c  咖啡机推荐
	c  手机哪个好
	c  コーヒーメーカー おすすめ
	c  掃除機ランキング
	i  how to clean a coffee maker
	i  what is a ristretto
	i  why is my coffee bitter
	i  how many calories in a latte
	i  are nespresso pods recyclable
	i  can you freeze coffee beans
	i  coffee to water ratio
	i  iced latte recipe
	i  seo guide
	i  excel tutorial
	i  serendipity meaning
	i  kitchen ideas
	i  haiku examples
	i  best time to visit rome
	i  what is the best way to clean silver
	i  breville barista express manual
	i  dishwasher leaking
	i  how to deal with stress
	i  in order to synonym
	i  love quotes
	i  grand prix history
	i  executive order meaning
	i  literature review example
	i  laptop definition
	i  node js tutorial
	i  asp.net tutorial
	i  how to make a website
	i  wie funktioniert ein e-bike
	i  Apfelkuchen Rezept
	i  was ist ein ristretto
	i  comment faire du café
	i  qu'est-ce que le seo
	i  recette crêpes
	i  cómo hacer café
	i  COMO HACER PAN
	i  qué es el seo
	i  receta paella
	i  come fare il pane
	i  cos'è la seo
	i  ricetta tiramisù
	i  como fazer café
	i  o que é seo
	i  hoe maak je koffie
	i  wat is seo
	i  kahve nasıl yapılır
	i  KAHVE NASIL YAPILIR
	i  seo nedir
	i  как варить кофе
	i  рецепт борща
	i  jak zrobić kawę
	i  przepis na pierogi
	i  如何做咖啡
	i  拿铁是什么
	i  コーヒーの淹れ方 レシピ
	i  エスプレッソとは
	tc buy best espresso machine
	ct cheapest crm comparison
	ct best cheap laptop
	tc лучшие кофемашины купить
	tc beste kaffeemaschine kaufen
	it how to buy a house
	it how much does a crown cost
	in how to sign in to gmail
	in what is amazon.com
	ic how to choose the best crib
	nt netflix login coupon
`

func TestIntentsAreThoseThatAPersonWouldGive(t *testing.T) {
	t.Parallel()
	asked := 0
	for line := range strings.Lines(strings.TrimSpace(searches)) {
		letters, phrase, _ := strings.Cut(strings.TrimSpace(line), " ")
		phrase = strings.TrimSpace(phrase)
		var want []planner.Intent
		for _, letter := range letters {
			want = append(want, intentsByLetter[letter])
		}
		got, confidence := New().Intents(phrase)
		asked++
		if len(want) == 1 && got[0] != want[0] || len(want) > 1 && !slices.Equal(got, want) {
			t.Errorf("%q is %v with %d%%, want %v first", phrase, got, confidence, want)
		}
		if confidence <= long {
			t.Errorf("%q is %v by chance only, with %d%%", phrase, got, confidence)
		}
	}
	if asked < 120 {
		t.Errorf("only %d phrases", asked)
	}
}

func TestWhereNoRuleSpeaksAPhraseIsInformationalWithLittleConfidence(t *testing.T) {
	t.Parallel()
	for phrase, want := range map[string]int64{
		"":                                  wordless,
		"???":                               wordless,
		"☕":                                 wordless,
		"espresso machine":                  short,
		"咖啡":                                short,
		"buyer persona":                     short,
		"laptop stopover":                   short,
		"manual coffee grinder":             short,
		"queen size mattress":               short,
		"bestiary":                          short,
		"quite long phrase about some cups": long,
	} {
		if got, confidence := New().Intents(phrase); len(got) != 1 || got[0] != planner.Informational || confidence != want {
			t.Errorf("%q is %v with %d%%, want informational with %d%%", phrase, got, confidence, want)
		}
	}
}

func TestWordsThatMislead(t *testing.T) {
	t.Parallel()
	for _, phrase := range []string{
		"how to deal with stress", "in order to synonym", "grand prix history", "why eye contact matters",
		"how to make a website", "what is cost of living", "literature review template", "what to say to best friends",
	} {
		if got, _ := New().Intents(phrase); len(got) != 1 || got[0] != planner.Informational {
			t.Errorf("%q is %v, want informational only", phrase, got)
		}
	}
}

func TestTheConfidenceIsTheSurestRulesAndLessForTwoIntents(t *testing.T) {
	t.Parallel()
	for phrase, want := range map[string]int64{
		"gmail login":         90,
		"amazon.com":          siteConfidence,
		"buy shoes":           90,
		"shoes price":         80,
		"buy shoes price":     90,
		"shoe repair service": 60,
		"best shoes":          85,
		"buy best shoes":      80,
		"how to tie shoes":    92,
		"can dogs eat shoes":  82,
		"shoes vs boots":      75,
	} {
		if _, confidence := New().Intents(phrase); confidence != want {
			t.Errorf("%q has %d%%, want %d%%", phrase, confidence, want)
		}
	}
}

func TestEveryLanguageHasWordsForEveryIntent(t *testing.T) {
	t.Parallel()
	rules := map[string][len(intentNames)]int{}
	for first, terms := range intentIndex {
		for _, term := range terms {
			if first == "" || term.language == "" || slices.Contains(term.words, "") {
				t.Errorf("the term %q of %q cannot be found", term.words, term.language)
			}
			if term.confidence == 0 {
				continue
			}
			if term.confidence <= long || term.confidence > 100 {
				t.Errorf("%q has %d%%", term.words, term.confidence)
			}
			n := rules[term.language]
			n[term.intent]++
			rules[term.language] = n
		}
	}
	for _, language := range []string{"en", "de", "fr", "es", "it", "pt", "nl", "tr", "ru", "pl", "zh", "ja"} {
		for i, n := range rules[language] {
			if n < 8 {
				t.Errorf("%s has %d terms for %s", language, n, intentNames[i])
			}
		}
	}
	if len(rules) != 13 {
		t.Errorf("terms of %d languages, want 12 and names", len(rules))
	}
}

func TestCasePunctuationAndSpacesDoNotChangeIntents(t *testing.T) {
	t.Parallel()
	all := strings.Split(strings.TrimSpace(searches), "\n")
	rapid.Check(t, func(t *rapid.T) {
		_, phrase, _ := strings.Cut(strings.TrimSpace(rapid.SampledFrom(all).Draw(t, "phrase")), " ")
		phrase = strings.TrimSpace(phrase)
		want, sure := New().Intents(phrase)
		for _, same := range []string{strings.ToUpper(phrase), "  " + phrase + " ?", strings.ReplaceAll(phrase, " ", "   ")} {
			if got, confidence := New().Intents(same); !slices.Equal(got, want) || confidence != sure {
				t.Fatalf("%q is %v with %d%%, and %q is %v with %d%%", phrase, want, sure, same, got, confidence)
			}
		}
	})
}

func keepsItsPromise(t interface {
	Helper()
	Fatalf(string, ...any)
}, phrase string,
) {
	t.Helper()
	intents, confidence := New().Intents(phrase)
	if len(intents) < 1 || len(intents) > 2 || len(intents) == 2 && intents[0] == intents[1] || confidence <= 0 || confidence > 100 {
		t.Fatalf("%q is %v with %d%%", phrase, intents, confidence)
	}
	for _, intent := range intents {
		if !slices.Contains(intentNames[:], intent) {
			t.Fatalf("%q is %q", phrase, intent)
		}
	}
}

func TestAnyPhraseHasOneIntentOrTwo(t *testing.T) {
	t.Parallel()
	pieces := strings.Fields(searches)
	rapid.Check(t, func(t *rapid.T) {
		keepsItsPromise(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "pieces"), " "))
		keepsItsPromise(t, rapid.String().Draw(t, "text"))
		keepsItsPromise(t, string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
	})
}

func FuzzIntents(f *testing.F) {
	for _, phrase := range []string{"", "buy", "\xff\xfe", ".", "..com", "a.", ".com", "#", "top 10", "under", "www.", "http://", "ИЙ\u0306", "ｂｕｙ", strings.Repeat("how to ", 999)} {
		f.Add(phrase)
	}
	f.Fuzz(func(t *testing.T, phrase string) {
		keepsItsPromise(t, phrase)
	})
}

func BenchmarkIntents(b *testing.B) {
	phrases := Keywords(10_000)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		New().Intents(phrases[n%len(phrases)].Text)
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "phrases/s")
}
