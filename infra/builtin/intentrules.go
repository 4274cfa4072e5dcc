package builtin

import "slices"

// intentRules are the rules of all intents. The confidences order them: a question
// is surer than what it is about ("how to buy a house" asks, and buys second), and
// whoever signs in or buys is surer than whoever compares.
var intentRules = slices.Concat(navigationalRules, transactionalRules, commercialRules, informationalRules, silentRules)

// silentRules are words that would be heard as something else: they hide shorter
// terms and say nothing themselves.
var silentRules = []intentRule{{intent: informational, terms: `
	en: deal with, dealing with, in order to, in order, order of, court order, new world order, out of order, executive order, restraining order, alphabetical order, chronological order, order flow, order fulfillment, order management, best friend, best friends, best man, best regards, best wishes, best practice, best practices, best western, best buddies, personal best, cost accounting, cost of living, opportunity cost, price elasticity, price action, price is right, vincent price, grand prix, book review, literature review, systematic review, code review, performance review, peer review, annual review, review of systems, bar review, tank top, crop top, roof top, top gun, top gear, rental agreement, lease agreement, sales rep, point of sale, garage sale, estate sale, yard sale, buy nothing, buyer persona, medium rare, eye contact, emergency contact, no contact, make a website, build a website, create a website, design a website, of course, support group, support groups, child support, life support, customer review template, quote tweet, quote of the day, cheap thrills, cheaper by the dozen, apple music
	fr: prix nobel, en commande, ligne de commande, avis de deces, avis d'imposition
	es: precio justo, orden alfabetico, en orden
	it: in ordine, ordine alfabetico, prezzo giusto
	de: in ordnung, im vergleich zu
	pt: em ordem, ordem alfabetica
	ru: в порядке
`}}

// navigationalRules: the searcher knows where to go.
var navigationalRules = []intentRule{
	// Whoever signs in has an account, and so a site.
	{navigational, 90, `
	en: login, log in, logins, log on, logon, signin, sign in, sign into, log into, login page, my account, webmail, account login, customer portal, patient portal, member login
	de: anmelden$, einloggen, mein konto, kundenportal, kundenlogin, anmeldung$
	fr: se connecter, connexion, mon compte, espace client, espace membre, identification$
	es: iniciar sesion, inicio de sesion, acceder$, mi cuenta, area de clientes, area clientes
	it: accedi, accesso$, area clienti, area personale, il mio account
	pt: fazer login, area do cliente, minha conta, entrar$
	nl: inloggen, aanmelden$, mijn account
	tr: giriş, giriş yap, oturum aç, hesabım
	ru: вход, войти, личный кабинет, авторизация
	pl: logowanie, zaloguj, zaloguj się, moje konto
	zh: 登录, 登陆, 登入
	ja: ログイン, サインイン, マイページ
`},
	// An official site is one site.
	{navigational, 88, `
	en: official site, official website, official page, official store, official shop, official app, website$, homepage, home page, web site$, app store, play store, google play
	de: offizielle seite, offizielle website, offizielle webseite, webseite$, offizieller shop
	fr: site officiel, site web, boutique officielle, page officielle
	es: sitio oficial, web oficial, página oficial, sitio web, página web, tienda oficial
	it: sito ufficiale, sito web, pagina ufficiale, negozio ufficiale
	pt: site oficial, página oficial, loja oficial
	nl: officiële site, officiële website, officiele website
	tr: resmi site, resmi sitesi, resmi web sitesi, resmî sitesi
	ru: официальный сайт, сайт, оф сайт
	pl: strona internetowa, oficjalna strona, strona główna, strona oficjalna
	zh: 官网, 官方网站, 官方, 網站, 官網
	ja: 公式, 公式サイト, ホームページ
`},
	// One calls or writes to somebody, and follows somebody's parcel.
	{navigational, 70, `
	en: customer service, customer support, customer care, contact number, phone number, telephone number, toll free number, helpline, help desk, contact us, headquarters, track order, order tracking, package tracking, order status, tracking number, opening hours, opening times, store hours, business hours, near me open now, store locator, careers$
	de: kundenservice, kundendienst, hotline, telefonnummer, kontakt$, öffnungszeiten, sendungsverfolgung
	fr: service client, numéro de téléphone, contact$, horaires, horaires d'ouverture, suivi colis, suivi de colis
	es: atención al cliente, servicio al cliente, número de teléfono, teléfono$, contacto$, horario$, horarios$, seguimiento de pedido
	it: servizio clienti, assistenza clienti, numero di telefono, contatti$, orari$, numero verde
	pt: atendimento ao cliente, número de telefone, telefone$, contato$, horário de funcionamento, rastreamento
	nl: klantenservice, telefoonnummer, openingstijden
	tr: müşteri hizmetleri, telefon numarası, iletişim, çalışma saatleri, kargo takip
	ru: служба поддержки, горячая линия, номер телефона, контакты, часы работы, режим работы
	pl: obsługa klienta, infolinia, numer telefonu, kontakt$, godziny otwarcia
	zh: 客服, 电话号码, 客服电话
	ja: 問い合わせ, お問い合わせ, 電話番号, 営業時間
`},
	// Sites that are searched for by name more than typed: of a name alone nothing
	// else can be wanted. Names that are everyday words are not here.
	{navigational, 85, brandsAs("^%$")},
	// A maker's app, support or account.
	{navigational, 85, brandsAs("% app", "% download", "% support", "% help", "% account", "% sign up", "% store", "% customer service", "% app download", "% online", "% web", "% status", "% website")},
}

// transactionalRules: the searcher wants to do it, mostly to buy.
var transactionalRules = []intentRule{
	// The deed itself, and the place for it.
	{transactional, 90, `
	en: buy, buying online, purchase, for sale, on sale, order online, ^order, order now, add to cart, near me, nearby, in my area, free shipping, fast shipping, same day delivery, next day delivery, coupon, coupons, coupon code, promo code, promo codes, discount code, discount codes, voucher, voucher code, where to buy, where can i buy, where can you buy, where do i buy, where to get, where to order, for hire, ^hire, to hire, for rent, to rent, book now, book online, shop online, buy online, order food, get a quote, free quote, insurance quote, insurance quotes, moving quotes, free trial, subscribe$
	de: kaufen, kauf, online kaufen, bestellen, online bestellen, zu verkaufen, in meiner nähe, in der nähe, gutschein, gutscheine, gutscheincode, rabattcode, wo kaufen, wo kann man kaufen, mieten, zu vermieten, buchen, versandkostenfrei, kostenloser versand
	fr: acheter, achat, achat en ligne, commander, à vendre, près de chez moi, à proximité, code promo, bon de réduction, coupon, où acheter, louer, à louer, en location, location de, location voiture, location appartement, location vacances, location maison, réserver, livraison gratuite
	es: comprar, compra online, pedir online, en venta, se vende, cerca de mí, cerca de mi ubicación, cupón, cupones, código promocional, código de descuento, dónde comprar, donde puedo comprar, alquilar, en alquiler, se alquila, reservar, envío gratis, contratar
	it: comprare, compra, acquistare, acquisto, acquista, ordinare, ordina, in vendita, vicino a me, nelle vicinanze, codice sconto, codice promozionale, buono sconto, coupon, dove comprare, dove acquistare, noleggio, noleggiare, in affitto, prenotare, prenota, spedizione gratuita, vendita online
	pt: comprar, compra online, à venda, perto de mim, cupom, cupom de desconto, código promocional, onde comprar, alugar, para alugar, reservar, frete grátis, contratar
	nl: kopen, koop, te koop, bestellen, bij mij in de buurt, in de buurt, kortingscode, waar te koop, waar kopen, huren, te huur, boeken, gratis verzending
	tr: satın al, satın alma, sipariş, sipariş ver, satılık, yakınımda, yakınımdaki, bana yakın, indirim kodu, kupon, kuponu, nereden alınır, kiralık, kiralama, rezervasyon, ücretsiz kargo
	ru: купить, куплю, купи, заказать, заказ, где купить, продажа, продам, рядом, рядом со мной, поблизости, промокод, промокоды, купон, аренда, снять, прокат, забронировать, с доставкой, бесплатная доставка, интернет магазин
	pl: kupić, kup, kupno, zamówić, zamów, na sprzedaż, sprzedam, w pobliżu, blisko mnie, kod rabatowy, kody rabatowe, kupon, gdzie kupić, wynajem, do wynajęcia, zarezerwuj, darmowa dostawa, sklep internetowy
	zh: 购买, 買, 购物, 订购, 下单, 哪里买, 哪里有卖, 附近, 优惠券, 優惠券, 优惠码, 出售, 包邮, 租, 预订, 批发
	ja: 購入, 買う, 注文, 通販, 販売, 近く, 近くの, クーポン, 予約, 送料無料, レンタル, どこで買える, 最安値
`},
	// What it may cost: money is on the searcher's mind, though not always in hand.
	{transactional, 80, `
	en: price, prices, pricing, price list, cheap, cheapest, cheaper, affordable, inexpensive, discount, discounts, discounted, deal, deals, sale$, clearance, wholesale, bulk, bargain, refurbished, second hand, secondhand, financing, black friday, cyber monday, ^used, lease deals, installment, emi, rental, rentals, shipping, delivery$, quote$, price quote, in stock, subscription$, gift card, gift cards, tickets, reservation, reservations, booking, appointment
	de: preis, preise, preisliste, preisvergleich, günstig, günstige, günstiger, günstigste, guenstig, billig, billige, billiger, angebot, angebote, im angebot, rabatt, rabatte, sale$, schnäppchen, gebraucht, gebrauchte, refurbished, lieferung$, versand$, ausverkauf
	fr: prix, tarif, tarifs, pas cher, pas chère, pas chères, moins cher, moins chère, bon marché, promo, promos, promotion$, soldes, en solde, réduction, remise, occasion$, d'occasion, reconditionné, livraison$, devis, devis en ligne
	es: precio, precios, barato, barata, baratos, baratas, económico, económica, oferta, ofertas, descuento, descuentos, rebajas, segunda mano, reacondicionado, envío$, presupuesto, a domicilio
	it: prezzo, prezzi, listino prezzi, economico, economica, economici, economiche, a basso costo, a buon prezzo, offerta, offerte, in offerta, sconto, sconti, saldi, usato, usata, usati, ricondizionato, spedizione$, preventivo, a domicilio
	pt: preço, preços, barato, barata, baratos, baratas, mais barato, oferta, ofertas, promoção, promoções, desconto, descontos, liquidação, usado$, usada$, seminovo, entrega$, orçamento
	nl: prijs, prijzen, goedkoop, goedkope, goedkoopste, aanbieding, aanbiedingen, korting, kortingen, uitverkoop, tweedehands, bezorgen, offerte
	tr: fiyat, fiyatı, fiyatları, fiyatlar, ucuz, en ucuz, uygun fiyatlı, indirim, indirimli, indirimler, kampanya, kampanyaları, ikinci el, teklif, taksitle
	ru: цена, цены, прайс, прайс лист, стоимость, недорого, недорогой, недорогие, дёшево, дешёвый, дешёвые, дешевле, скидка, скидки, скидкой, распродажа, акция, акции, бу, доставка, в наличии, в кредит, в рассрочку
	pl: cena, ceny, cennik, tani, tania, tanie, tanio, najtańszy, najtańsze, najtańsza, promocja, promocje, rabat, zniżka, zniżki, wyprzedaż, używany, używane, używana, dostawa$, na raty, wycena
	zh: 价格, 價格, 价钱, 多少钱, 报价, 便宜, 打折, 折扣, 特价, 优惠, 促销, 团购, 二手
	ja: 価格, 値段, 料金, 安い, 格安, 激安, 割引, セール, 中古, 見積もり, 送料
`},
	// A thing to take home, for money or without; a service to be done.
	{transactional, 60, `
	en: cost, costs, download, free download, app download, apk, replacement parts, ^replacement, spare parts, parts$, repair$, subscription, shop, store, dealer, dealers, dealership, supplier, suppliers, quotes online, repair service, services$, installation service, cleaning service, contractors, jobs, apply online, sign up, register$, printable
	de: kosten, herunterladen, download, ersatzteile, shop, händler, anbieter, reparatur, dienstleister, ausdrucken
	fr: coût, télécharger, téléchargement, pièces détachées, boutique, magasin, fournisseur, réparation, gratuit à imprimer
	es: coste, costo, descargar, descarga, repuestos, tienda, tienda online, proveedor, proveedores, reparación, para imprimir
	it: costo, costi, scaricare, scarica, ricambi, negozio, negozi, fornitori, riparazione, da stampare
	pt: custo, baixar, download, peças, loja, lojas, fornecedor, fornecedores, conserto, para imprimir
	nl: downloaden, download, onderdelen, winkel, webshop, leverancier, reparatie
	tr: maliyet, maliyeti, indir, indirme, yedek parça, mağaza, mağazası, servisi, tamir, tamiri
	ru: скачать, запчасти, магазин, магазины, поставщик, ремонт, услуги, бесплатно скачать
	pl: koszt, koszty, pobierz, pobieranie, części zamienne, sklep, sklepy, dostawca, naprawa, serwis, do druku
	zh: 下载, 下載, 配件, 商店, 专卖店, 供应商, 维修
	ja: ダウンロード, 部品, 店舗, 業者, 修理
`},
}

// commercialRules: the searcher will buy, and chooses.
var commercialRules = []intentRule{
	// Things against each other.
	{commercial, 90, `
	en: compared to, compare, comparison, comparisons, alternative, alternatives, alternative to, alternatives to, competitors, or which is better, which is better, which is best, what is the best, whats the best, what are the best, which is the best, which one is better, better than
	de: vergleich, im vergleich, alternative zu, alternativen, alternative, testsieger, was ist besser, welche ist besser, welcher ist besser, welches ist besser, welche ist die beste, welcher ist der beste, welches ist das beste
	fr: comparatif, comparaison, comparer, alternative, alternatives, ou lequel choisir, lequel choisir, laquelle choisir, quel est le meilleur, quelle est la meilleure, quelle est la différence de prix
	es: comparativa, comparación, comparar, alternativa, alternativas, cuál es mejor, cuál es el mejor, cuál es la mejor, qué es mejor, mejor que
	it: confronto, confrontare, a confronto, alternativa, alternative, qual è il migliore, qual è la migliore, quale scegliere, meglio di
	pt: comparativo, comparação, comparar, alternativa, alternativas, qual é o melhor, qual é a melhor, qual o melhor, qual a melhor, melhor que
	nl: vergelijken, vergelijking, alternatief, alternatieven, wat is beter, wat is de beste, welke is de beste, welke is beter
	tr: karşılaştırma, karşılaştırması, alternatif, alternatifi, alternatifleri, mi yoksa, mı yoksa, hangisi daha iyi, hangisi iyi
	ru: сравнение, сравнить, аналог, аналоги, альтернатива, альтернативы, что лучше, какой лучше, какая лучше, какие лучше, какое лучше, против
	pl: porównanie, porównaj, alternatywa, alternatywy, czy lepiej, co lepsze, który lepszy, jaki najlepszy, który najlepszy
	zh: 对比, 比较, 比較, 替代品, 哪个好, 哪個好, 哪款好, 哪种好, 区别大吗
	ja: 比較, 代替, 違いはどっち, どっちがいい, どちらがいい
`},
	// Two things by name; some of them nobody sells ("light roast vs dark roast").
	{commercial, 75, `any: vs, versus, contra`},
	// The best of its kind, and what others say of it.
	{commercial, 85, `
	en: best, top #, ^top, top rated, top brands, review, reviews, reviewed, rating, ratings, ranking, rankings, ranked, recommended, recommendation, recommendations, worth it, worth buying, worth the money, legit, pros and cons, testimonials, brands, buyers guide, buying guide, buyer's guide, unboxing, must have
	de: beste, bester, bestes, besten, top #, ^top, testbericht, testberichte, im test, erfahrungen, erfahrung, erfahrungsberichte, bewertung, bewertungen, rezension, rezensionen, empfehlung, empfehlungen, empfehlenswert, lohnt sich, vor und nachteile, kaufberatung, rangliste
	fr: meilleur, meilleure, meilleurs, meilleures, top #, ^top, avis, avis clients, test et avis, notation, classement, recommandation, recommandations, guide d'achat, vaut le coup, avantages et inconvénients
	es: mejor, mejores, los mejores, top #, ^top, opinión, opiniones, reseña, reseñas, valoraciones, ranking, recomendaciones, recomendado, recomendados, vale la pena, guía de compra, ventajas y desventajas
	it: migliore, migliori, miglior, i migliori, top #, ^top, recensione, recensioni, opinioni, classifica, consigliato, consigliati, consigliate, conviene, vale la pena, guida all'acquisto, pro e contro
	pt: melhor, melhores, os melhores, top #, ^top, avaliação, avaliações, opiniões, resenha, análise, ranking, recomendações, recomendado, vale a pena, guia de compra, prós e contras, é bom$, é confiável
	nl: beste, top #, ^top, review, reviews, ervaringen, ervaring, beoordeling, beoordelingen, aanbevolen, aanraders, koopgids, voor en nadelen
	tr: en iyi, en iyileri, iyi mi, top #, ^top, yorum, yorumlar, yorumları, inceleme, incelemesi, tavsiye, tavsiyesi, tavsiyeleri, önerileri, değer mi, kullananlar
	ru: лучший, лучшая, лучшее, лучшие, лучших, самый лучший, самые лучшие, топ, топ #, отзыв, отзывы, отзывов, обзор, обзоры, рейтинг, рейтинги, рекомендации, стоит ли, плюсы и минусы, как выбрать, какой выбрать, какую выбрать
	pl: najlepszy, najlepsza, najlepsze, najlepszych, top #, ^top, opinia, opinie, recenzja, recenzje, ranking, rankingi, polecane, polecany, czy warto, wady i zalety, jaki wybrać, jaką wybrać
	zh: 最好, 最佳, 推荐, 推薦, 评测, 评价, 評價, 测评, 口碑, 排行榜, 排行, 排名, 值得买吗, 怎么选, 十大, 怎么样
	ja: おすすめ, オススメ, お勧め, ランキング, 口コミ, クチコミ, レビュー, 評判, 評価, 人気, 選び方
`},
	// A ceiling for what it may cost, a kind of user, something like it.
	{commercial, 75, `
	en: under #, below #, less than #, for under #, better, apps like, sites like, similar to, brands like, cheaper alternative, for small business, for small businesses, for startups, for beginners, software$, tools$, gift for, gifts for, gift ideas, accessories, premium, luxury, high end, budget friendly
	de: unter #, bis # euro, besser, ähnlich wie, für anfänger, für kleine unternehmen, software$, geschenke für, zubehör
	fr: moins de #, mieux, similaire à, pour débutant, pour débutants, pour petite entreprise, logiciel, cadeau pour, accessoires
	es: menos de #, por menos de #, similar a, parecido a, para principiantes, para pequeñas empresas, software$, regalos para, accesorios
	it: sotto #, sotto i #, meno di #, simile a, per principianti, per piccole imprese, software$, regali per, accessori
	pt: até # reais, menos de #, abaixo de #, parecido com, para iniciantes, para pequenas empresas, software$, presentes para, acessórios
	nl: onder #, tot # euro, beter, vergelijkbaar met, voor beginners, software$, cadeau voor, accessoires
	tr: # tl altı, # altı, benzeri, yeni başlayanlar için, hediye, aksesuar
	ru: до #, до # рублей, до # тысяч, для начинающих, для малого бизнеса, программа для, подарок, аксессуары
	pl: do # zł, poniżej #, podobne do, dla początkujących, dla małych firm, prezent dla, akcesoria
	zh: 以内, 以下推荐, 性价比, 品牌, 适合新手, 软件
	ja: 以下, コスパ, 初心者向け, ブランド, プレゼント
`},
}

// informationalRules: the searcher wants to know.
var informationalRules = []intentRule{
	// A question word opens a question; what it is about is second.
	{informational, 92, `
	en: ^how to, ^how do, ^how does, ^how can, ^how did, ^how is, ^how are, ^how should, ^how long, ^how often, ^how many, ^how far, ^how old, ^how big, ^how, ^what is, ^what are, ^what does, ^what do, ^what happens, ^what, ^whats, ^why, ^when, ^who, ^whose, ^whos, ^what to, ^when to, how to, how do i, how do you, what does, what is the best way to, what is the best time to, whats the best way to, what is the best place to, meaning of, what is a, explained
	de: ^wie, ^was, ^warum, ^wieso, ^weshalb, ^wann, ^wer, ^wem, ^wofür, ^woher, ^wozu, ^was ist, ^was bedeutet, wie funktioniert
	fr: ^comment, ^pourquoi, ^qu'est-ce que, ^qu'est-ce qu, ^qu'est-ce qu'un, ^qu'est-ce qu'une, ^quand, ^qui est, ^c'est quoi, c'est quoi, ^à quoi sert, ^que signifie, ^que faire
	es: ^cómo, ^qué, ^qué es, ^por qué, ^para qué, ^cuándo, ^quién, ^quiénes, qué significa, cómo hacer
	it: ^come, ^cosa, ^cos'è, ^che cos'è, ^che cosa, ^perché, ^quando, ^chi, ^a cosa serve, cosa significa, come fare
	pt: ^como, ^o que, ^o que é, ^por que, ^porque, ^para que serve, ^quando, ^quem, como fazer, o que significa, para que serve
	nl: ^hoe, ^wat, ^waarom, ^wanneer, ^wie, ^hoe lang, wat betekent
	tr: nasıl, nasıl yapılır, nedir, ne demek, neden, niçin, ^niye, ne zaman, ^kim, kimdir, ne işe yarar
	ru: ^как, ^что, ^что такое, ^почему, ^зачем, ^когда, ^кто, ^для чего, что такое, что значит, что означает, ^чем, как сделать
	pl: ^jak, ^co to, ^co to jest, ^co, ^dlaczego, ^czemu, ^kiedy, ^kto, co oznacza, jak zrobić, ^po co
	zh: 怎么, 怎麼, 怎样, 如何, 什么是, 是什么, 什么意思, 为什么, 為什麼
	ja: とは, 方法, やり方, 使い方, 作り方, なぜ, どうやって, 意味, 仕方
`},
	// Questions that other words open as well, and those that look for a place or a
	// number.
	{informational, 82, `
	en: ^can, ^could, ^does, ^do, ^did, ^is, ^are, ^was, ^were, ^should, ^will, ^would, ^has, ^have, ^which, ^where is, ^where are, ^where do, ^where does, ^where, ^how much, ^in which, ^am i
	de: ^kann, ^können, ^ist, ^sind, ^darf, ^muss, ^soll, ^welche, ^welcher, ^welches, ^welchen, ^wo, ^wo ist, ^wieviel, ^wie viel, ^hat
	fr: ^est-ce que, ^peut-on, ^quel, ^quelle, ^quels, ^quelles, ^où, ^combien, ^faut-il, ^qui
	es: ^cuál, ^cuáles, ^dónde, ^cuánto, ^cuánta, ^cuántos, ^cuántas, ^se puede, ^es bueno, ^es malo
	it: ^quale, ^quali, ^qual, ^dove, ^quanto, ^quanta, ^quanti, ^quante, ^si può, ^è possibile
	pt: ^qual, ^quais, ^onde, ^quanto, ^quanta, ^quantos, ^quantas, ^pode, ^é possível
	nl: ^kan, ^is, ^mag, ^welke, ^waar, ^hoeveel, ^moet
	tr: ^hangi, nerede, nereye, kaç, ne kadar, zararlı mı, var mı, olur mu
	ru: ^можно ли, ^нужно ли, ^сколько, ^какой, ^какая, ^какое, ^какие, ^где, ^куда, ^правда ли
	pl: ^czy, ^jaki, ^jaka, ^jakie, ^który, ^która, ^które, ^gdzie, ^ile
	zh: 吗, 多久, 哪里, 哪裡, 多少, 能不能, 可以吗
	ja: いつ, どこ, ですか, できる, 何, いくつ
`},
	// What one reads, learns or makes.
	{informational, 80, `
	en: best way to, best ways to, best time to, best time of, best time for, best day to, best place to, best places to, best temperature, best age, guide, guides, tutorial, tutorials, meaning, definition, define, ideas, examples, example, recipe, recipes, tips, tricks, instructions, step by step, diy, explain, explanation, difference between, differences between, difference, vs meaning, history of, history, facts, statistics, benefits, advantages, disadvantages, side effects, symptoms, causes, treatment, types of, kinds of, list of, template, templates, checklist, ratio, chart, diagram, calculator, conversion, synonym, synonyms, translation, translate, pronunciation, lyrics, quotes, wiki, wikipedia, for dummies, 101, basics, learn, calories, nutrition, size$, sizes$, size chart, size guide, dimensions, settings, troubleshooting, not working, wont turn on, wont start, leaking, error, problem, problems, fix, manual$, user manual, pdf, vs code, faq, inspiration, research, theory, explained simply, cheat sheet, do it yourself, at home, homemade, worksheet, worksheets, weather, news, time in, map, population
	de: anleitung, anleitungen, ratgeber, bedeutung, definition, ideen, beispiel, beispiele, rezept, rezepte, tipps, tricks, schritt für schritt, selber machen, unterschied, unterschiede, geschichte, vorteile, nachteile, symptome, ursachen, behandlung, nebenwirkungen, arten von, vorlage, vorlagen, tabelle, rechner, übersetzung, lernen, funktioniert nicht, fehler, kalorien, erklärung, bedienungsanleitung, liste
	fr: guide, tutoriel, tuto, signification, définition, idée, idées, exemple, exemples, recette, recettes, conseils, astuces, étape par étape, différence, différence entre, histoire, avantages, bienfaits, symptômes, causes, traitement, types de, modèle, modèles, tableau, calcul, traduction, apprendre, ne fonctionne pas, mode d'emploi, faire soi-même, liste, fait maison
	es: guía, tutorial, significado, definición, ideas, ejemplo, ejemplos, receta, recetas, consejos, trucos, paso a paso, diferencia, diferencias, diferencia entre, historia, beneficios, ventajas, desventajas, síntomas, causas, tratamiento, tipos de, plantilla, plantillas, tabla, calculadora, traducción, aprender, no funciona, manual$, manual de, casero, casera, lista
	it: guida, tutorial, significato, definizione, idee, esempio, esempi, ricetta, ricette, consigli, trucchi, passo passo, differenza, differenze, differenza tra, storia, benefici, vantaggi, svantaggi, sintomi, cause, cura, tipi di, modello, modelli, tabella, calcolo, calcolatrice, traduzione, imparare, non funziona, istruzioni, manuale, fatto in casa, fai da te, lista
	pt: guia, tutorial, significado, definição, ideias, exemplo, exemplos, receita, receitas, dicas, truques, passo a passo, diferença, diferença entre, história, benefícios, vantagens, desvantagens, sintomas, causas, tratamento, tipos de, modelo, modelos, tabela, calculadora, tradução, aprender, não funciona, manual$, manual de, caseiro, caseira, lista
	nl: handleiding, gids, betekenis, definitie, ideeën, voorbeeld, voorbeelden, recept, recepten, tips, stap voor stap, verschil, verschil tussen, geschiedenis, voordelen, nadelen, symptomen, oorzaken, behandeling, soorten, sjabloon, tabel, berekenen, vertaling, leren, werkt niet, zelf maken, uitleg, lijst
	tr: rehberi, rehber, anlamı, tanımı, fikirleri, örnek, örnekleri, örneği, tarifi, tarifleri, tarif, ipuçları, adım adım, arasındaki fark, farkı, tarihi, tarihçesi, faydaları, zararları, belirtileri, nedenleri, tedavisi, çeşitleri, şablon, tablosu, hesaplama, çeviri, öğren, çalışmıyor, evde
	ru: инструкция, руководство, гайд, значение, определение, идеи, пример, примеры, рецепт, рецепты, советы, пошагово, пошаговый, разница, отличие, отличия, разница между, чем отличается, история, польза, вред, симптомы, причины, лечение, виды, шаблон, таблица, калькулятор, перевод, уроки, не работает, своими руками, в домашних условиях, список
	pl: poradnik, instrukcja, znaczenie, definicja, pomysły, pomysł, przykład, przykłady, przepis, przepisy, porady, krok po kroku, różnica, różnice, historia, korzyści, zalety, objawy, przyczyny, leczenie, rodzaje, szablon, wzór, tabela, kalkulator, tłumaczenie, nauka, nie działa, domowy, domowe, lista
	zh: 教程, 指南, 攻略, 意思, 定义, 例子, 做法, 食谱, 技巧, 步骤, 区别, 區別, 历史, 好处, 症状, 原因, 治疗, 种类, 模板, 计算器, 翻译, 说明书, 图解, 大全
	ja: ガイド, チュートリアル, 定義, アイデア, 例, 例文, レシピ, コツ, 手順, 違い, 歴史, 効果, メリット, デメリット, 症状, 原因, 種類, テンプレート, 計算, 翻訳, 説明書, 入門, 一覧, まとめ
`},
}
