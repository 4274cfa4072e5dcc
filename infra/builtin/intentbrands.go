package builtin

import (
	"slices"
	"strings"
)

// brands are sites and programs that people reach by searching for their names:
// those that lists of the most searched names agree on, without names that are
// everyday words (apple, target, zoom, indeed, discover).
const brands = `airbnb, aliexpress, alibaba, amazon, amazon prime, asana, best buy, bing, booking.com, bbc, canva, chatgpt, chase bank, clickup,
	coursera, craigslist, dropbox, duckduckgo, duolingo, ebay, espn, etsy, evernote, facebook, fedex, figma, flipkart, fiverr, github, gitlab, gmail, godaddy, google,
	google analytics, google docs, google drive, google maps, google sheets, google translate, grammarly, home depot, hotmail, hubspot, hulu, ikea, imdb, instagram, jira,
	kahoot, linkedin, lowes, mailchimp, microsoft, microsoft teams, myfitnesspal, netflix, nordvpn, notion, openai, office 365, onlyfans, outlook, paypal, pinterest, quickbooks,
	quizlet, quora, reddit, roblox, salesforce, samsung, semrush, shein, shopify, skype, slack, snapchat, soundcloud, spotify, squarespace, stripe, telegram, temu, tiktok, trello,
	tripadvisor, twitch, twitter, uber, udemy, usps, venmo, vinted, walmart, wells fargo, whatsapp, whatsapp web, wikipedia, wix, wordpress, yahoo, yahoo mail, yelp, youtube, zalando,
	zendesk, zillow, allegro, olx, ozon, wildberries, яндекс, вконтакте, озон, вайлдберриз, avito, авито, hepsiburada, trendyol, sahibinden, 淘宝, 京东, 百度, 微信, 抖音, 知乎, 楽天, アマゾン, メルカリ`

// brandsAs are terms of a rule: every brand in every pattern's place of %. A brand
// in two terms of a phrase is heard once.
func brandsAs(patterns ...string) string {
	var terms []string
	for brand := range strings.SplitSeq(brands, ",") {
		for _, pattern := range patterns {
			terms = append(terms, strings.ReplaceAll(pattern, "%", strings.TrimSpace(brand)))
		}
	}
	return "any: " + strings.Join(slices.Compact(terms), ", ")
}
