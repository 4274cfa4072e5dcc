package keywordfile

import (
	"math"
	"strings"

	"golang.org/x/text/currency"
)

// currencySigns are signs that stand for one currency; "¥" is Japan's.
var currencySigns = map[string]string{
	"$": "USD", "us$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "jp¥": "JPY", "cn¥": "CNY", "元": "CNY", "₹": "INR", "rs.": "INR", "rs": "INR",
	"₺": "TRY", "tl": "TRY", "₽": "RUB", "руб.": "RUB", "руб": "RUB", "₩": "KRW", "₫": "VND", "₪": "ILS", "₴": "UAH", "₦": "NGN", "₱": "PHP", "฿": "THB",
	"r$": "BRL", "zł": "PLN", "kč": "CZK", "ft": "HUF", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "mx$": "MXN",
}

// currencyOf gives the ISO 4217 code for a sign or a code in any case, or "".
func currencyOf(s string) string {
	if s = strings.ToLower(strings.TrimSpace(s)); s == "" {
		return ""
	}
	if code, ok := currencySigns[s]; ok {
		return code
	}
	if len(s) != 3 {
		return ""
	}
	if unit, err := currency.ParseISO(s); err == nil {
		return unit.String()
	}
	return ""
}

// minorUnits turns an amount into the smallest unit of a currency, which ISO
// 4217 gives exponents: 2 for USD, 0 for JPY, 3 for KWD.
func minorUnits(amount float64, code string) int64 {
	exponent, other := exponents[code]
	if !other {
		exponent = 2
	}
	return int64(math.Round(amount * math.Pow10(exponent)))
}

// exponents has the exponents of ISO 4217 that are not 2.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}
