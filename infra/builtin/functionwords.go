package builtin

import "strings"

// functionWords are words that hold sentences together and name nothing, folded,
// of the languages that most keywords are in: closed classes as grammars list
// them (articles, pronouns, prepositions, conjunctions, auxiliaries and question
// words), and what people say to be polite. A name neither begins nor ends with
// one.
var functionWords = setOf(
	// English
	`a an the this that these those some any my your his her its our their me you him us them i he she it we they
	of in on at to for from by with without into onto over under about after before between during through per as than
	and or but nor so if then because while when where who whom whose what which why how
	is are was were be been being am do does did doing done have has had having can could will would shall should may might must
	not no dont doesnt didnt cant wont isnt arent im ive id ill youre whats hows wheres theres there here
	please tell want need know let lets get got give show find like just also too very really much many more most
	up out off own near vs versus`,
	// Spanish, Portuguese, Italian, French
	`el la los las un una unos unas de del al y o u e en con sin por para que como cual cuales donde cuando quien es mi tu su se lo
	as um uma do da dos das no na nos nas ao aos com sem qual quais onde quando quem sao meu minha seu sua
	il gli le uno di dello della dei degli delle nel nella sul sulla con per tra fra che chi quale quali dove mio
	les des du au aux et ou dans sur sous avec sans pour est sont ce cette ces mon ma mes ta sa ses notre votre leur qui quel quelle quels quelles comment pourquoi quand`,
	// German, Dutch
	`der die das den dem des ein eine einen einem einer und oder aber im ins am an auf aus bei mit nach von vom zu zum zur fur uber unter ohne
	ist sind wird werden kann muss ich mein meine dein ihr sich nicht was wer wie wo wann warum welche welcher welches
	het een op te met voor naar bij uit om door zonder zijn mijn jouw niet wat wie hoe waar wanneer waarom welke`,
	// Polish, Turkish
	`i w z na do od dla o u przez bez po przy nad pod jest sa jak co czy gdzie kiedy kto jaki jaka jakie ktory ktora ktore sie nie
	ve veya ile icin bir bu su de da mi mu ne nasil neden nerede kim hangi gibi`,
	// Russian, Ukrainian, Greek
	`и в во на с со к ко о об от до для из за по при без над под у не как что где когда кто какои какая какие какие это или ли а но
	та з із у і до від для як що де коли хто яки чи не
	ο η το οι τα του τησ των τον την στο στη στην σε απο για με και η να τι πωσ που ποτε ποιο ποια ειναι`,
)

func setOf(lists ...string) map[string]bool {
	set := map[string]bool{}
	for _, list := range lists {
		for w := range strings.FieldsSeq(list) {
			set[folded(w)] = true
		}
	}
	return set
}

// articles are the function words that a name may begin with: "La Pavoni".
var articles = setOf(`the el la los las il lo gli le les der die das het os`)
