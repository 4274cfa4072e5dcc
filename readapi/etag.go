package readapi

import (
	"net/http"
	"strconv"
	"strings"
)

// neverRevision is a revision that no aggregate has, for tags that are not ours.
const neverRevision = -1

// writeETag is the tag of a write's answer: the revision alone.
func writeETag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// readETag is the tag of a row: its revision and the position it reflects.
func readETag(revision, position int64) string {
	return `"` + strconv.FormatInt(revision, 10) + "." + strconv.FormatInt(position, 10) + `"`
}

// ifMatch is the revision that If-Match names: 0 without the header or for "*",
// neverRevision for a tag that is not one of ours or is weak. Several tags, or
// one without quotes, are refused.
func ifMatch(h http.Header) (revision int64, err error) {
	values := h.Values("If-Match")
	if len(values) == 0 {
		return 0, nil
	}
	tag := strings.TrimSpace(strings.Join(values, ","))
	switch {
	case tag == "*":
		return 0, nil
	case strings.HasPrefix(tag, "W/"):
		return neverRevision, nil
	case len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.Count(tag, `"`) != 2:
		return 0, &httpError{
			status: http.StatusBadRequest, code: "invalid", field: "If-Match",
			message: `If-Match takes one ETag as it was answered, such as "3" or "3.120", or *.`,
		}
	}
	text, position, both := strings.Cut(tag[1:len(tag)-1], ".")
	revision, err = strconv.ParseInt(text, 10, 64)
	if err != nil || revision < 1 || text[0] == '+' {
		return neverRevision, nil
	}
	if _, err := strconv.ParseUint(position, 10, 63); both && err != nil {
		return neverRevision, nil
	}
	return revision, nil
}

// noneMatch says that If-None-Match names the tag.
func noneMatch(h http.Header, tag string) bool {
	for _, value := range h.Values("If-None-Match") {
		for one := range strings.SplitSeq(value, ",") {
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}
