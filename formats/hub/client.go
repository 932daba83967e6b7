package hub

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/transfer"
)

// Client speaks with one Hub. Its methods may be called from several
// goroutines at once.
type Client struct {
	o        Options
	http     *http.Client
	endpoint *url.URL
	requests atomic.Int64
	backoff  time.Duration // before the second attempt where the server names no time
}

// NewClient checks the options. It makes no request.
func NewClient(o Options) (*Client, error) {
	u, err := url.Parse(o.endpoint())
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.Op("hub").Invalid("the endpoint %q is not an http or https address", o.Endpoint)
	}
	o.Timeout, o.Budget = or(o.Timeout, defaultTimeout), or(o.Budget, defaultBudget)
	o.Connections, o.Attempts = or(o.Connections, defaultConnections), or(o.Attempts, defaultAttempts)
	c := &Client{o: o, http: o.HTTP, endpoint: u, backoff: 250 * time.Millisecond}
	if c.http == nil {
		c.http = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   o.Timeout,
			ResponseHeaderTimeout: 3 * o.Timeout,
			MaxIdleConnsPerHost:   2 * o.Connections,
			IdleConnTimeout:       90 * time.Second,
			DisableCompression:    true, // sizes are those of the files
			ReadBufferSize:        64 << 10,
		}}
	}
	client := *c.http
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &client
	return c, nil
}

// Requests returns how many requests were sent.
func (c *Client) Requests() int64 { return c.requests.Load() }

// status is what an answer says beside its body.
type status struct {
	StatusCode int
	Header     http.Header
}

// statusOf finds what a refusal says where its header does not.
func statusOf(resp *http.Response, body []byte) *status {
	var said struct{ Error string }
	if resp.StatusCode >= 400 && resp.Header.Get("X-Error-Message") == "" && json.Unmarshal(body, &said) == nil && said.Error != "" {
		resp.Header.Set("X-Error-Message", said.Error)
	}
	return &status{resp.StatusCode, resp.Header}
}

// send makes one request. The token goes to the endpoint alone.
func (c *Client) send(ctx context.Context, method string, u *url.URL, header http.Header, body io.Reader) (*http.Response, error) {
	if u.Scheme != "https" && (u.Scheme != "http" || c.endpoint.Scheme != "http") {
		return nil, fault.Op("hub").Corrupt("the Hub redirects to %s://%s, which is not encrypted", u.Scheme, u.Host)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, bare(err)
	}
	for key, values := range header {
		req.Header[key] = values
	}
	if b, ok := body.(*transfer.Body); ok {
		req.ContentLength = b.Size()
	}
	req.Header.Set("User-Agent", first(c.o.Agent, "mq"))
	if c.o.Token != "" && u.Host == c.endpoint.Host && u.Scheme == c.endpoint.Scheme {
		req.Header.Set("Authorization", "Bearer "+c.o.Token)
	}
	c.requests.Add(1)
	return c.http.Do(req)
}

// bare strips the address off an error of net/http.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// wait sleeps before another attempt.
func (c *Client) wait(ctx context.Context, resp *status, attempt int) error {
	var header http.Header
	reason := "the connection broke"
	if resp != nil {
		header, reason = resp.Header, strconv.Itoa(resp.StatusCode)+" "+http.StatusText(resp.StatusCode)
	}
	d := transfer.Pause(header, attempt, c.backoff)
	if c.o.Waiting != nil && d > 2*time.Second {
		c.o.Waiting(d, reason)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// call makes a request of the API and returns its whole answer, at most limit
// bytes. body is made anew for each attempt.
func (c *Client) call(ctx context.Context, method string, u *url.URL, header http.Header, body func() io.Reader, limit int64, at fault.Place) ([]byte, *status, error) {
	for attempt := 0; ; attempt++ {
		data, resp, err := c.once(ctx, method, u, header, body, limit, at)
		switch {
		case ctx.Err() != nil:
			return nil, nil, context.Cause(ctx)
		case err != nil && (errors.Is(err, fault.ErrCorrupt) || errors.Is(err, fault.ErrInvalid)):
			return nil, nil, err
		case err != nil && attempt+1 >= c.o.Attempts:
			return nil, nil, unreachable(err, u.Host, at)
		case err == nil && !transfer.Retriable(resp.StatusCode), err == nil && attempt+1 >= c.o.Attempts:
			return data, resp, nil
		}
		if err != nil {
			resp = nil
		}
		if err := c.wait(ctx, resp, attempt); err != nil {
			return nil, nil, err
		}
	}
}

// once is one attempt of call. Redirects within the same host are followed: a
// repository that was renamed.
func (c *Client) once(ctx context.Context, method string, u *url.URL, header http.Header, body func() io.Reader, limit int64, at fault.Place) ([]byte, *status, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for range 5 {
		var reader io.Reader
		if body != nil {
			reader = body()
		}
		if b, ok := reader.(*transfer.Body); ok {
			defer b.Watch(c.o.Timeout, func() { cancel(errStalled) })()
		}
		resp, err := c.send(ctx, method, u, header, reader) //nolint:bodyclose // closed as a watched body
		if err != nil {
			return nil, nil, cmpCause(ctx, err)
		}
		r := c.watched(resp.Body, cancel)
		data, err := io.ReadAll(io.LimitReader(r, limit+1))
		r.Close()
		if err != nil {
			return nil, nil, cmpCause(ctx, err)
		}
		if int64(len(data)) > limit {
			return nil, nil, at.Corrupt("the answer is longer than %d bytes", limit)
		}
		next, moved := redirect(resp)
		if !moved || next.Host != u.Host {
			return data, statusOf(resp, data), nil
		}
		u = next
	}
	return nil, nil, at.Corrupt("the Hub redirects in a circle")
}

// redirect returns where an answer points to.
func redirect(resp *http.Response) (*url.URL, bool) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		u, err := resp.Location()
		return u, err == nil
	}
	return nil, false
}

// address builds an address of the endpoint from path segments.
func (c *Client) address(segments ...string) *url.URL {
	u := *c.endpoint
	raw := strings.TrimSuffix(u.EscapedPath(), "/")
	for _, s := range segments {
		raw += "/" + url.PathEscape(s)
	}
	u.RawPath = raw
	u.Path, _ = url.PathUnescape(raw)
	return &u
}
