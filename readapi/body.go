package readapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
)

// readsBody reads and checks a JSON body before huma looks at it.
func (e *edge) readsBody(ctx huma.Context, next func(huma.Context)) {
	c := humaecho.UnwrapV4(ctx)
	call := callIn(c)
	r := c.Request()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		next(ctx)
		return
	}
	body, err := e.body(c.Response(), r)
	if err != nil {
		e.writeFailure(ctx.Context(), c, call, err)
		return
	}
	call.body = body
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	next(ctx)
}

func (e *edge) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	// Recorders in tests know no deadlines.
	_ = http.NewResponseController(w).SetReadDeadline(e.clock().Add(e.options.BodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.options.MaxBody))
	var (
		large   *http.MaxBytesError
		network net.Error
	)
	switch {
	case errors.As(err, &large):
		return nil, plainFailure(http.StatusRequestEntityTooLarge)
	case errors.As(err, &network) && network.Timeout():
		w.Header().Set("Connection", "close")
		return nil, plainFailure(http.StatusRequestTimeout)
	case err != nil:
		return nil, malformed("The body ended before it was complete.")
	case len(body) == 0:
		return nil, nil
	case !isJSON(r.Header.Get("Content-Type")):
		return nil, plainFailure(http.StatusUnsupportedMediaType)
	}
	return body, checkJSON(body)
}

func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	charset := params["charset"]
	return media == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}
