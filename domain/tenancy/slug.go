package tenancy

import (
	"encoding/hex"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/domain/text"
)

// SlugSuffix is six characters that tell things of one name apart, always the
// same for one id.
func SlugSuffix(id es.ID) string { return hex.EncodeToString(id[13:]) }

// WithSuffix is the slug with what tells it apart, within the longest length.
func WithSuffix(slug string, id es.ID) string {
	suffix := "-" + SlugSuffix(id)
	return text.Slug(slug, maxSlug-len(suffix)) + suffix
}

// checkedSlug is the slug that was asked for, or else the one that the name
// gives; a name without Latin letters gives one from what and id.
func checkedSlug(faults es.Faults, slug, name, what string, id es.ID) string {
	if slug != "" {
		if text.Slug(slug, maxSlug) != slug {
			faults.Add("slug", "A slug is at most %d lower-case letters and digits, joined by single hyphens.", maxSlug)
		}
		return slug
	}
	if slug = text.Slug(name, maxSlug); slug == "" {
		return WithSuffix(what, id)
	}
	return slug
}

// AccountSlug is the slug that an account's name gives.
func AccountSlug(name string, id es.ID) string {
	return checkedSlug(es.Faults{}, "", text.Line(name), "account", id)
}
