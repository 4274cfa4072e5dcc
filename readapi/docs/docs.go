// Package docs serves the API's reference as a page, /docs/, that works offline:
// the page, its script and nothing else, all embedded, under a policy that lets
// it talk to its own host alone.
package docs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/igny8/igny8/readapi"
)

//go:embed page.html
var page string

//go:embed start.js
var start []byte

//go:embed scalar/standalone.js.gz
var scalar []byte

//go:embed scalar/LICENSE
var licence []byte

// policy lets the page load its own scripts and ask its own host. Scalar puts its
// styles into the page, and draws with data: images.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	kept      = "public, max-age=31536000, immutable" // its path changes with it
	looked    = "no-cache"                            // kept, and asked for again with its ETag
	scripting = "text/javascript; charset=utf-8"
)

// file is one thing that is served.
type file struct {
	content      []byte
	compressed   []byte // the same with gzip; nil: as it is
	contentType  string
	cacheControl string
	etag         string
}

// Mount mounts /docs/, what it loads, and the licence of that; / leads there.
// All of it is public and counts for no throttle.
func Mount(api *readapi.API) {
	script, err := inflated(scalar)
	if err != nil {
		panic("docs: the embedded script cannot be read: " + err.Error())
	}
	library := newFile(script, scripting, kept)
	library.compressed = scalar
	library.content = nil // made again for the few who take no gzip
	begin := newFile(start, scripting, kept)
	paths := map[string]string{"Scalar": "/docs/scalar-" + library.version() + ".js", "Start": "/docs/start-" + begin.version() + ".js"}
	var html bytes.Buffer
	if err := template.Must(template.New("page").Parse(page)).Execute(&html, paths); err != nil {
		panic("docs: the page cannot be written: " + err.Error())
	}
	mount(api, "/docs/", "docs", "The API's reference, as a page", newFile(html.Bytes(), "text/html; charset=utf-8", looked))
	mount(api, paths["Scalar"], "docs.scalar", "What shows the reference", library)
	mount(api, paths["Start"], "docs.start", "What starts it", begin)
	mount(api, "/docs/LICENSE", "docs.licence", "The licence of what shows the reference", newFile(licence, "text/plain; charset=utf-8", looked))
	readapi.Raw(api, route("/", "root", "Leads to the reference"), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs/", http.StatusFound)
	})
}

func route(path, name, summary string) readapi.Route {
	return readapi.Route{Method: http.MethodGet, Path: path, Name: name, Summary: summary, Public: true, Unthrottled: true, Undocumented: true}
}

func mount(api *readapi.API, path, name, summary string, f file) {
	readapi.Raw(api, route(path, name, summary), f.ServeHTTP)
}

func newFile(content []byte, contentType, cacheControl string) file {
	sum := sha256.Sum256(content)
	return file{content: content, contentType: contentType, cacheControl: cacheControl, etag: `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// version is a part of the path that changes with the content.
func (f file) version() string { return f.etag[1:13] }

// ServeHTTP answers with the file, compressed where that is accepted, or 304.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", f.cacheControl)
	body, etag := f.content, f.etag
	if f.compressed != nil {
		h.Add("Vary", "Accept-Encoding")
		if accepts(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body, etag = f.compressed, strings.TrimSuffix(f.etag, `"`)+`-gzip"`
		}
	}
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if body == nil {
		var err error
		if body, err = inflated(f.compressed); err != nil {
			panic(fmt.Errorf("docs: the embedded script cannot be read: %w", err))
		}
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // who went away misses nothing.
	}
}

func inflated(compressed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// accepts says whether Accept-Encoding takes an encoding.
func accepts(header, encoding string) bool {
	for one := range strings.SplitSeq(header, ",") {
		name, params, err := mime.ParseMediaType(strings.TrimSpace(one))
		if err != nil || !strings.EqualFold(name, encoding) {
			continue
		}
		weight, err := strconv.ParseFloat(params["q"], 64)
		return err != nil || weight > 0
	}
	return false
}

// matches says whether If-None-Match names the tag.
func matches(header, etag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == etag || one == "*" {
			return true
		}
	}
	return false
}
