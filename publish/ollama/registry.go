package ollama

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/transfer"
	"github.com/f190792d/mq/publish/blob"
)

// RegistryOptions say how registries are spoken with.
type RegistryOptions struct {
	Key       string // file with the user's private key; empty: Ollama's own
	PlainHTTP bool   // without encryption
	Agent     string // User-Agent
	// Waiting, if not nil, is told when a registry asks for a pause.
	Waiting func(pause time.Duration, reason string)
}

// Registry pushes models to the registries that their names begin with.
type Registry struct {
	o        RegistryOptions
	http     *http.Client
	attempts int
	backoff  time.Duration
	timeout  time.Duration // without anything taken or answered
	least    int64         // bytes of a part
	most     int64

	mu     sync.Mutex
	key    *key
	tokens map[string]string // by host
}

// NewRegistry makes no request and reads no key: many registries want none.
func NewRegistry(o RegistryOptions) *Registry {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	const timeout = 30 * time.Second
	return &Registry{
		o: o, tokens: map[string]string{}, attempts: 6, backoff: time.Second, timeout: timeout, least: 100e6, most: 1000e6,
		http: &http.Client{CheckRedirect: stay, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: timeout}).DialContext,
			TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: 4 * timeout, ExpectContinueTimeout: 2 * time.Second, IdleConnTimeout: time.Minute,
		}},
	}
}

// Push sends a model: the layers that the registry does not have, then the
// manifest. It returns the manifest's digest.
func (r *Registry) Push(ctx context.Context, n Name, m *Model, report progress.Func) (digest string, err error) {
	config, layers, err := m.blobs(ctx, report)
	if err != nil {
		return "", err
	}
	manifest, err := manifestOf(config, layers)
	if err != nil {
		return "", err
	}
	return r.push(ctx, n, append(layers, config), manifest, report)
}

// PushStored sends a model of a store under its name there.
func (r *Registry) PushStored(ctx context.Context, n Name, s Store, report progress.Func) (digest string, err error) {
	blobs, manifest, err := s.load(n)
	if err != nil {
		return "", err
	}
	return r.push(ctx, n, blobs, manifest, report)
}

func (r *Registry) push(ctx context.Context, n Name, blobs []blob.Blob, manifest []byte, report progress.Func) (string, error) {
	for _, b := range blobs {
		if err := r.pushBlob(ctx, n, b, report); err != nil {
			return "", err
		}
	}
	resp, err := r.do(ctx, request{
		method: http.MethodPut, url: r.address(n, "manifests", n.Tag), header: http.Header{"Content-Type": {manifestType}},
		body: func() io.Reader { return bytes.NewReader(manifest) },
	})
	if err != nil {
		return "", err
	}
	return blob.Bytes(manifestType, manifest).Digest, r.expect(resp, n, http.StatusCreated, http.StatusOK)
}

// address is one of a model's repository.
func (r *Registry) address(n Name, segments ...string) *url.URL {
	u := &url.URL{Scheme: "https", Host: n.Host}
	if r.o.PlainHTTP {
		u.Scheme = "http"
	}
	u.Path = strings.Join(append([]string{"", "v2", n.Namespace, n.Model}, segments...), "/")
	return u
}

// request is one that can be made again.
type request struct {
	method string
	url    *url.URL
	header http.Header
	body   func() io.Reader // nil: none
	once   bool             // a body that was begun cannot be sent again
}

// answer is what came of a request.
type answer struct {
	code   int
	header http.Header
	body   []byte
	at     *url.URL
}

// do makes a request until it is answered with what another attempt would not
// change, with the token that the registry wants.
func (r *Registry) do(ctx context.Context, q request) (*answer, error) {
	loggedIn := false
	for attempt := 0; ; attempt++ {
		a, err := r.attempt(ctx, q)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err == nil && a.code == http.StatusUnauthorized && !loggedIn:
			loggedIn = true
			if err := r.login(ctx, a.header.Get("WWW-Authenticate"), q.url.Host); err != nil {
				return nil, err
			}
			continue
		case err != nil && (q.once || attempt+1 >= r.attempts || errors.Is(err, fault.ErrCorrupt)):
			return nil, r.unreachable(err, q.url.Host)
		case err == nil && (!transfer.Retriable(a.code) || q.once || attempt+1 >= r.attempts):
			return a, nil
		}
		if err := r.wait(ctx, a, attempt); err != nil {
			return nil, err
		}
	}
}

// attempt makes a request once. The token goes to no host but the registry.
func (r *Registry) attempt(ctx context.Context, q request) (*answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if q.url.Scheme != "https" && !r.o.PlainHTTP {
		return nil, fault.Op("ollama").Corrupt("the registry leads to %s without encryption", q.url.Host)
	}
	var body io.Reader
	if q.body != nil {
		body = q.body()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, q.url.String(), body)
	if err != nil {
		return nil, err
	}
	for key, values := range q.header {
		req.Header[key] = values
	}
	req.Header.Set("User-Agent", cmp.Or(r.o.Agent, "mq"))
	if b, ok := body.(*transfer.Body); ok {
		req.ContentLength = b.Size()
		defer b.Watch(r.timeout, func() { cancel(errStalled) })()
	}
	if token := r.tokenOf(q.url.Host); token != "" && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := r.http.Do(req)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return &answer{resp.StatusCode, resp.Header, text, resp.Request.URL}, err
}

var errStalled = errors.New("it takes nothing any more")

// wait sleeps before another attempt.
func (r *Registry) wait(ctx context.Context, a *answer, attempt int) error {
	var header http.Header
	reason := "the connection broke"
	if a != nil {
		header, reason = a.header, http.StatusText(a.code)
	}
	d := transfer.Pause(header, attempt, r.backoff)
	if r.o.Waiting != nil && d > 2*time.Second {
		r.o.Waiting(d, reason)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// login gets a token by the user's key.
func (r *Registry) login(ctx context.Context, challenge, host string) error {
	u, err := tokenAddress(challenge, host)
	if err != nil {
		return err
	}
	k, err := r.ownKey()
	if err != nil {
		return err
	}
	signature, err := k.sign(u)
	if err != nil {
		return err
	}
	a, err := r.attempt(ctx, request{method: http.MethodGet, url: u, header: http.Header{"Authorization": {signature}}})
	if err != nil {
		return r.unreachable(err, host)
	}
	var given struct{ Token string }
	if a.code != http.StatusOK || json.Unmarshal(a.body, &given) != nil || given.Token == "" {
		return fault.Op("ollama").Invalid("the registry %s does not know your key: add the public half, id_ed25519.pub, to your account there", host)
	}
	r.keep(host, given.Token)
	return nil
}

// ownKey reads the user's key once.
func (r *Registry) ownKey() (k *key, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	path := r.o.Key
	if path == "" && r.key == nil {
		if path, err = DefaultKey(); err != nil {
			return nil, err
		}
	}
	if r.key == nil {
		r.key, err = readKey(path)
	}
	return r.key, err
}

// keep remembers the token of a host.
func (r *Registry) keep(host, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens[host] = token
}

func (r *Registry) tokenOf(host string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tokens[host]
}

// expect turns an answer that is none of the wanted into an error.
func (r *Registry) expect(a *answer, n Name, wanted ...int) error {
	for _, code := range wanted {
		if a.code == code {
			return nil
		}
	}
	at := fault.Op("ollama").Folder(n.String())
	switch a.code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return at.Invalid("the account of your key may not push there: is the namespace yours?")
	case http.StatusNotFound:
		return at.Invalid("the registry %s does not have such a place", a.at.Host)
	}
	return at.IO("the registry %s answers %d %s%s", a.at.Host, a.code, http.StatusText(a.code), said(a.body))
}

// said is what a registry says in a refusal.
func said(body []byte) string {
	var refusal struct {
		Errors []struct{ Message string }
	}
	if json.Unmarshal(body, &refusal) != nil || len(refusal.Errors) == 0 {
		return ""
	}
	return ": " + fault.Printable(refusal.Errors[0].Message)
}

// unreachable explains a request that got no answer; addresses in Go's errors
// can be signed.
func (r *Registry) unreachable(err error, host string) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fault.Op("ollama").IO("no answer from the registry %s: %w", host, err)
}
