package hub

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// target is an address that gives the content of a file for a while: that of
// the Hub itself, or a signed one of another host.
type target struct {
	url    *url.URL
	signed bool
}

// resolve returns where a file's content lies, asking the Hub once and again
// when the address has expired.
func (r *Repo) resolve(e *entry) *target {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.signed != nil {
		return e.signed
	}
	segments := append([]string{r.Name.Owner, r.Name.Model, "resolve", r.Commit}, strings.Split(e.path, "/")...)
	return &target{url: r.client.address(segments...)}
}

// learn keeps the address that the Hub redirects to.
func (e *entry) learn(u *url.URL) *target {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.signed = &target{u, true}
	return e.signed
}

// expire forgets an address that was refused.
func (e *entry) expire(t *target) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.signed == t {
		e.signed = nil
	}
}

// checkTag compares what an answer of the Hub says of a file with what the
// repository's list said.
func (r *Repo) checkTag(e *entry, resp *http.Response) error {
	tag := tagOf(resp.Header)
	if tag == "" {
		return nil
	}
	want := first(e.sha, e.oid)
	if commit := resp.Header.Get("X-Repo-Commit"); commit != "" && commit != r.Commit || want != "" && len(tag) == len(want) && tag != want {
		return r.Name.place().File(e.path).Corrupt("the repository changed while it was read; run again")
	}
	return nil
}

// tagOf returns the ETag of the content, which of large files is its SHA-256.
func tagOf(h http.Header) string {
	tag := first(h.Get("X-Linked-Etag"), h.Get("ETag"))
	return strings.ToLower(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`))
}

// open starts to read [from, to) of a file and follows the way to its content.
func (r *Repo) open(ctx context.Context, e *entry, from, to int64) (*http.Response, *target, error) {
	header := http.Header{"Accept-Encoding": {"identity"}, "Range": {fmt.Sprintf("bytes=%d-%d", from, to-1)}}
	t := r.resolve(e)
	for range 6 {
		resp, err := r.client.send(ctx, http.MethodGet, t.url, header, nil)
		if err != nil {
			return nil, t, err
		}
		if !t.signed && resp.StatusCode < 400 {
			if err := r.checkTag(e, resp); err != nil {
				resp.Body.Close()
				return nil, t, err
			}
		}
		next, moved := redirect(resp)
		if !moved {
			return resp, t, nil
		}
		resp.Body.Close()
		if next.Host == r.client.endpoint.Host && !t.signed { // the repository was renamed
			t = &target{url: next}
			continue
		}
		t = e.learn(next)
	}
	return nil, t, r.Name.place().File(e.path).Corrupt("the Hub redirects in a circle")
}

// ranged checks the range of an answer and returns how many bytes of its body
// come before from.
func ranged(resp *http.Response, e *entry, from, to int64) (skip int64, err error) {
	switch resp.StatusCode {
	case http.StatusOK: // the range was ignored
		return from, nil
	case http.StatusPartialContent:
	default:
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	rest, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes ")
	span, total, _ := strings.Cut(rest, "/")
	low, high, _ := strings.Cut(span, "-")
	a, errA := strconv.ParseInt(low, 10, 64)
	b, errB := strconv.ParseInt(high, 10, 64)
	if !ok || errA != nil || errB != nil || a != from || b >= to || b < a {
		return 0, fmt.Errorf("the range %q answers bytes %d to %d", clip(resp.Header.Get("Content-Range")), from, to-1)
	}
	if n, err := strconv.ParseInt(total, 10, 64); err == nil && e.size >= 0 && n != e.size {
		return 0, fault.Op("hub").File(e.path).Corrupt("the server holds %d bytes, the repository lists %d", n, e.size)
	}
	return 0, nil
}
