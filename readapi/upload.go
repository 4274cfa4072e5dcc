package readapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/igny8/igny8/commands"
	"github.com/igny8/igny8/domain/es"
)

// Files keeps what is uploaded. infra/uploads has one.
type Files interface {
	// Save keeps what r gives under the id and says how many bytes it was. A
	// save that fails keeps nothing.
	Save(ctx context.Context, account, id es.ID, name string, r io.Reader) (size int64, err error)
	// Delete forgets a file; one that is not there is forgotten already.
	Delete(ctx context.Context, account, id es.ID) error
}

// File is one that was uploaded and is kept.
type File struct {
	ID   es.ID
	Name string
	Size int64
}

// UploadRoute is a POST of multipart/form-data with one part "file" and fields.
type UploadRoute struct {
	Route
	Files Files
	// Limit is the largest file, in bytes.
	Limit int64
}

const (
	maxFormFields = 50
	maxFormField  = 64 << 10
	maxFileName   = 255
	// uploadIdle is how long the next bytes of a file may take, and uploadTime
	// how long all of them may.
	uploadIdle = 15 * time.Second
	uploadTime = 15 * time.Minute
	maxTail    = 4 << 10
)

// Upload mounts a route that takes a file. In is a struct whose json tags name
// the form's other fields, all of them texts. The file is kept, in bounded memory,
// before the handler runs, and forgotten again if that fails, is a dry run, or is
// a repeat of an Idempotency-Key: two requests are the same when their fields and
// their file's bytes are, whatever the form's boundary.
func Upload[In, Out any](api *API, declared UploadRoute, handler func(ctx context.Context, file File, in *In) (*Out, error)) {
	e := api.edge
	r := e.declare(declared.Route, true)
	r.upload = true
	op := e.operation(r)
	e.respond(op, r.Status, reflect.TypeFor[Data[Out]]())
	if r.DryRuns {
		e.respond(op, http.StatusOK, reflect.TypeFor[Data[DryRun[Out]]]())
	}
	fields := e.schemas.Schema(reflect.TypeFor[In](), true, requestName(op))
	op.RequestBody = formBody(e.schemas, fields)
	e.huma.OpenAPI().AddOperation(op)
	e.huma.Adapter().Handle(op, func(ctx huma.Context) {
		call := CallOf(ctx.Context())
		form, err := e.readForm(call, declared)
		if err != nil {
			e.writeFailure(ctx.Context(), call.echo, call, err)
			return
		}
		used := false
		serving, cancel := context.WithTimeout(ctx.Context(), e.options.Timeout)
		defer cancel()
		_, _ = e.serve(serving, served{ // it has answered, whatever became of it.
			blank: func() any { return &Data[*Out]{} },
			run: func(ctx context.Context) (reply, error) {
				in, err := decode[In](e.schemas, fields, form.fields)
				if err != nil {
					return reply{}, err
				}
				out, err := handler(ctx, form.file, &in)
				used = err == nil && !call.DryRun || err != nil && describe(err).status >= http.StatusInternalServerError
				return wrap(call, out, err)
			},
		})
		if !used {
			e.forget(ctx.Context(), call, declared.Files, form.file)
		}
	})
}

// forget deletes a file that nobody asked to keep. What cannot be deleted now
// expires.
func (e *edge) forget(ctx context.Context, call *Call, files Files, f File) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	if err := files.Delete(ctx, call.Principal.Account, f.ID); err != nil {
		e.logger.ErrorContext(ctx, "an upload was not deleted", slog.String("request_id", call.RequestID), slog.Any("error", err))
	}
}

// formBody documents the form: the fields, and the file.
func formBody(registry huma.Registry, fields *huma.Schema) *huma.RequestBody {
	whole := *fields
	if whole.Ref != "" {
		whole = *registry.SchemaFromRef(whole.Ref)
	}
	properties := map[string]*huma.Schema{"file": {Type: huma.TypeString, Format: "binary", Description: "The file."}}
	for name, property := range whole.Properties {
		properties[name] = property
	}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Properties: properties, Required: append([]string{"file"}, whole.Required...), AdditionalProperties: false,
	}}}}
}

// form is a request's form: its fields as a JSON object of texts, and its file.
type form struct {
	fields []byte
	file   File
}

func (e *edge) readForm(call *Call, declared UploadRoute) (form, error) {
	r, w := call.Request, call.echo.Response()
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return form{}, &httpError{
			status: http.StatusUnsupportedMediaType, code: "unsupported_media_type",
			message: "Send multipart/form-data with a part named file, as curl -F file=@keywords.csv does.",
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), uploadTime)
	defer cancel()
	body := &patientReader{ReadCloser: http.MaxBytesReader(w, r.Body, declared.Limit+maxFormFields*maxFormField), controller: http.NewResponseController(w), now: e.clock}
	parts := multipart.NewReader(body, params["boundary"])
	fields, sum := map[string]string{}, sha256.New()
	var file *File
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) && body.ended("--"+params["boundary"]+"--") {
			break
		}
		if err != nil {
			err = &formError{err}
		} else {
			file, err = e.readPart(ctx, call, declared, part, fields, file, sum)
		}
		if err != nil {
			if file != nil {
				e.forget(ctx, call, declared.Files, *file)
			}
			return form{}, uploadFailure(w, err, body.err, declared.Limit)
		}
	}
	if file == nil {
		return form{}, badParameter("file", "This part is required: the file.")
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return form{}, err
	}
	call.body = fmt.Appendf(nil, "%s\n%q\n%x", raw, file.Name, sum.Sum(nil))
	r.Header.Set("Content-Type", media)
	return form{fields: raw, file: *file}, nil
}

func (e *edge) readPart(ctx context.Context, call *Call, declared UploadRoute, part *multipart.Part, fields map[string]string, file *File, sum hash.Hash) (*File, error) {
	name := part.FormName()
	if _, twice := fields[name]; twice || name == "" || len(fields) >= maxFormFields || name == "file" && file != nil {
		return file, badParameter("file", "Send each field once, and one part named file.")
	}
	if name != "file" {
		text, err := io.ReadAll(io.LimitReader(part, maxFormField+1))
		switch {
		case err != nil:
			return file, &formError{err}
		case len(text) > maxFormField || !utf8.Valid(text) || !storableText(string(text)):
			return file, badParameter(name, fmt.Sprintf("This must be a text of at most %d bytes in UTF-8.", maxFormField))
		}
		fields[name] = string(text)
		return file, nil
	}
	f := File{ID: commands.NewID(), Name: fileName(part.FileName())}
	limited := &limitedReader{r: io.TeeReader(part, sum), left: declared.Limit}
	var err error
	f.Size, err = declared.Files.Save(ctx, call.Principal.Account, f.ID, f.Name, limited)
	if err == nil {
		return &f, nil
	}
	if limited.err != nil {
		err = &formError{limited.err}
	}
	return nil, err
}

// storableText says that a database takes the text.
func storableText(text string) bool {
	for _, r := range text {
		if r == 0 {
			return false
		}
	}
	return true
}

// fileName is a name without what cannot be shown.
func fileName(name string) string {
	var clean []rune
	for _, r := range name {
		if r >= ' ' && r != utf8.RuneError && len(clean) < maxFileName {
			clean = append(clean, r)
		}
	}
	if len(clean) == 0 {
		return "upload"
	}
	return string(clean)
}

// formError is what is wrong with a form, or with how it arrives.
type formError struct{ error }

func (e *formError) Unwrap() error { return e.error }

var errFileTooLarge = errors.New("the file is too large")

// limitedReader fails past a limit, instead of ending there.
type limitedReader struct {
	r    io.Reader
	left int64
	err  error // why it ended before its end
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		n, err = 0, errFileTooLarge
	}
	if err != nil && err != io.EOF { // a wrapped one is no end.
		l.err = err
	}
	return n, err
}

// patientReader gives each read its time, however long all of them take.
type patientReader struct {
	io.ReadCloser
	controller *http.ResponseController
	now        func() time.Time
	err        error // why it ended before its end
	tail       []byte
}

// ended says whether a form's last line was read: the multipart reader takes a
// form that is cut off in a part's header for one that ended.
func (p *patientReader) ended(line string) bool { return bytes.Contains(p.tail, []byte(line)) }

func (p *patientReader) Read(b []byte) (int, error) {
	_ = p.controller.SetReadDeadline(p.now().Add(uploadIdle)) // recorders in tests know no deadlines.
	n, err := p.ReadCloser.Read(b)
	p.tail = append(p.tail, b[max(0, n-maxTail):n]...)
	p.tail = p.tail[max(0, len(p.tail)-maxTail):]
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return n, err
}

// uploadFailure is what to tell of a form that could not be read: by its error,
// or by that of the connection underneath.
func uploadFailure(w http.ResponseWriter, err, connection error, limit int64) error {
	var (
		large   *http.MaxBytesError
		network net.Error
		faulty  *formError
	)
	switch {
	case errors.Is(err, errFileTooLarge), errors.As(err, &large), errors.As(connection, &large):
		w.Header().Set("Connection", "close")
		return &httpError{
			status: http.StatusRequestEntityTooLarge, code: "too_large",
			message: fmt.Sprintf("The file may have %d bytes. Split it.", limit),
		}
	case errors.As(connection, &network) && network.Timeout():
		w.Header().Set("Connection", "close")
		return plainFailure(http.StatusRequestTimeout)
	case errors.As(err, &faulty):
		return malformed("The form is not complete, or not multipart/form-data.")
	default:
		return err
	}
}
