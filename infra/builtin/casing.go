package builtin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// writtenSo are words that are written in one way wherever they stand, by how
// they are compared: abbreviations and makers' names that people search for in
// lower case.
var writtenSo = func() map[string]string {
	all := map[string]string{}
	for w := range strings.FieldsSeq(`AI API APR ATM B2B B2C BMI CBD CD CEO CMS CNC CPA CPC CPU CRM CSS CSV CTR CV DHCP DIY DNA DNS DVD EMI ERP ETF EU EV
		FAQ FBA FHA GDPR GPS GPT GPU HDMI HIIT HIPAA HR HSA HTML HTTP HTTPS HVAC IBAN IKEA IP IPA IRA IRS ISO IVF JPG JSON KPI LED LLC MBA MCT MP3 MRI
		NAS NASA NFC NFT OLED PC PDF PHP PNG POS PPC PVC QR RAM RGB ROI RSS RV SaaS SDK SEM SEO SERP SIM SIP SMS SMTP SQL SSD SSH SSL SUV TV UI UK
		URL USA USB UX VAT VPN VPS VR WhatsApp WiFi WordPress XML YouTube iPad iPhone macOS iOS eBay PayPal LinkedIn TikTok GitHub ChatGPT OpenAI HubSpot
		Google Amazon Facebook Instagram Microsoft Excel Outlook Gmail Netflix Spotify Samsung Apple Android Windows Linux Salesforce Shopify Mailchimp`) {
		all[folded(w)] = w
	}
	for _, ambiguous := range []string{"windows", "apple"} { // they are things as well.
		delete(all, ambiguous)
	}
	return all
}()

// sentenceCase is words as a heading has them: the first with a capital, the
// others as they were written. Words that only shout, or begin like a title's,
// are in small letters.
func sentenceCase(name []word, shouted bool) string {
	var b strings.Builder
	for i, w := range name {
		if i > 0 && !w.joined {
			b.WriteByte(' ')
		}
		written, known := writtenSo[w.folded]
		switch {
		case known:
		case shouted:
			written = strings.ToLower(w.written)
		default:
			written = w.written
		}
		if first, size := utf8.DecodeRuneInString(written); i == 0 && !known && !strings.ContainsFunc(written[size:], unicode.IsUpper) {
			written = string(unicode.ToTitle(first)) + written[size:]
		}
		b.WriteString(written)
	}
	return b.String()
}

// shouts says that a phrase's capitals mean nothing, as all words have them. Words
// of up to three letters can all be abbreviations: "LG TV".
func shouts(phrase []word) bool {
	cased, long := 0, false
	for _, w := range phrase {
		first, _ := utf8.DecodeRuneInString(w.written)
		if unicode.IsLower(first) {
			return false
		}
		if unicode.IsUpper(first) {
			cased++
			long = long || utf8.RuneCountInString(w.written) > 3
		}
	}
	return cased > 1 && long
}
