package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// client speaks to a server's API as its user.
type client struct {
	url   string // http://HOST:PORT
	token string
	http  *http.Client
	// reached is the last consistency token that the server answered: what is
	// read next is at least as new.
	reached string
}

// envelope is every answer's outside.
type envelope struct {
	Success   bool                `json:"success"`
	Data      json.RawMessage     `json:"data"`
	Results   json.RawMessage     `json:"results"`
	Count     int64               `json:"count"`
	Error     string              `json:"error"`
	Code      string              `json:"code"`
	Errors    map[string][]string `json:"errors"`
	RequestID string              `json:"request_id"`
}

// apiError is a refusal of the server's, in its own words.
type apiError struct {
	status int
	envelope
}

func (e *apiError) Error() string {
	text := e.envelope.Error
	for _, field := range slices.Sorted(maps.Keys(e.Errors)) {
		text += fmt.Sprintf("; %s: %s", field, strings.Join(e.Errors[field], " "))
	}
	return fmt.Sprintf("%s (%d %s, request %s)", text, e.status, e.Code, e.RequestID)
}

// get reads what is at a path under /api/v1/.
func (c *client) get(ctx context.Context, path string, into any) error {
	return c.call(ctx, http.MethodGet, path, nil, "", into)
}

// post sends a body as JSON and reads the answer's data.
func (c *client) post(ctx context.Context, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, path, bytes.NewReader(raw), "application/json", into)
}

// upload sends a file with fields, as it is read.
func (c *client) upload(ctx context.Context, path string, fields map[string]string, name string, file io.Reader, into any) error {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		err := writeForm(form, fields, name, file)
		_ = w.CloseWithError(err) // it gives nil always.
	}()
	defer r.Close() //nolint:errcheck // it gives nil always.
	return c.call(ctx, http.MethodPost, path, r, form.FormDataContentType(), into)
}

func writeForm(form *multipart.Writer, fields map[string]string, name string, file io.Reader) error {
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if err := form.WriteField(field, fields[field]); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, file); err != nil {
		return err
	}
	return form.Close()
}

func (c *client) call(ctx context.Context, method, path string, body io.Reader, contentType string, into any) error {
	response, err := c.send(ctx, method, path, body, contentType)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was read.
	e, err := read(response)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	data := e.Data
	if e.Results != nil {
		data = e.Results
	}
	if into == nil || len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, into)
}

func (c *client) send(ctx context.Context, method, path string, body io.Reader, contentType string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.url, "/")+"/api/v1/"+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.reached != "" {
		request.Header.Set("X-Consistency-Token", c.reached)
		request.Header.Set("Prefer", "wait=5")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreached(err)
	}
	if token := response.Header.Get("X-Consistency-Token"); token != "" {
		c.reached = token
	}
	return response, nil
}

// unreached tells a person that the server did not answer.
func (c *client) unreached(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" {
		return fmt.Errorf("no server is reached at %s (%w): start one with igny8 serve, or name another with --server", c.url, network.Err)
	}
	return fmt.Errorf("the server at %s did not answer: %w", c.url, err)
}

func read(response *http.Response) (envelope, error) {
	var e envelope
	raw, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, fmt.Errorf("the server at this address answers %s and no JSON: is it igny8?", response.Status)
	}
	if !e.Success {
		return e, &apiError{status: response.StatusCode, envelope: e}
	}
	return e, nil
}

// job is work in the background, as the API tells it.
type job struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	State    string `json:"state"`
	Progress struct {
		Done  int64  `json:"done"`
		Total int64  `json:"total"`
		Stage string `json:"stage"`
	} `json:"progress"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (j job) ended() bool { return j.State != "" && j.State != "queued" && j.State != "running" }

const (
	watchAgain = 500 * time.Millisecond
	watchTries = 120
)

// watch follows a job to its end over server-sent events, on a new connection
// where one breaks, and reads its result into result. A job that did not succeed
// is an error.
func (c *client) watch(ctx context.Context, id string, tell func(job), result any) error {
	var last job
	for try := 0; !last.ended(); try++ {
		err := c.follow(ctx, id, func(j job) {
			last, try = j, 0
			tell(j)
		})
		var refused *apiError
		switch {
		case last.ended():
		case errors.As(err, &refused) && refused.status != http.StatusServiceUnavailable && refused.status != http.StatusTooManyRequests:
			return err
		case try >= watchTries:
			return fmt.Errorf("the job %s cannot be watched any more: %w", id, err)
		default:
			if err := wait(ctx, watchAgain); err != nil {
				return err
			}
		}
	}
	if err := c.get(ctx, "system/jobs/"+id+"/", &last); err != nil { // its token is of what the job did.
		return err
	}
	if last.State != "succeeded" {
		if last.Error != nil {
			return fmt.Errorf("%s (%s, job %s %s)", last.Error.Message, last.Error.Code, id, last.State)
		}
		return fmt.Errorf("the job %s %s", id, last.State)
	}
	return json.Unmarshal(last.Result, result)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow reads one stream of a job's progress until it ends.
func (c *client) follow(ctx context.Context, id string, tell func(job)) error {
	response, err := c.send(ctx, http.MethodGet, "system/jobs/"+id+"/stream/", nil, "")
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was read as far as it goes.
	if response.StatusCode != http.StatusOK {
		_, err := read(response)
		return err
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		var j job
		if err := json.Unmarshal([]byte(data), &j); err != nil {
			return fmt.Errorf("reading a job's progress: %w", err)
		}
		if j.State == "" {
			continue
		}
		if tell(j); j.ended() {
			return nil
		}
	}
	return lines.Err()
}
