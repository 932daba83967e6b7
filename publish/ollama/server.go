package ollama

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/publish/blob"
)

// Server is a running Ollama.
type Server struct {
	base *url.URL
	http *http.Client
}

// DefaultPort is the one that Ollama listens on.
const DefaultPort = "11434"

// NewServer reads an address: HOST, HOST:PORT or a URL.
func NewServer(address string) (*Server, error) {
	at := fault.Op("ollama")
	text := strings.TrimSpace(address)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return nil, at.Invalid("%q is not the address of a server: write HOST, HOST:PORT or http://HOST:PORT", address)
	}
	if u.Port() == "" && u.Scheme == "http" {
		u.Host = net.JoinHostPort(u.Hostname(), DefaultPort)
	}
	// what it answers is its own: nothing leads to another host
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Server{u, &http.Client{CheckRedirect: stay}}, nil
}

// Create makes a model on the server, which takes the files that it does not
// have yet. The server may write the model's file anew.
func (s *Server) Create(ctx context.Context, n Name, m *Model, report progress.Func) error {
	files, adapters := map[string]string{}, map[string]string{}
	for _, f := range m.Files {
		b, err := hashed(ctx, f, report)
		if err != nil {
			return err
		}
		if err := s.upload(ctx, b, report); err != nil {
			return err
		}
		if f.Kind == kindAdapter {
			adapters[filepath.Base(f.Path)] = b.Digest
		} else {
			files[filepath.Base(f.Path)] = b.Digest
		}
	}
	ask := map[string]any{"model": n.String(), "files": files}
	add := func(key string, value any, given bool) {
		if given {
			ask[key] = value
		}
	}
	add("adapters", adapters, len(adapters) > 0)
	add("template", m.Template, m.Template != "")
	add("system", m.System, m.System != "")
	add("license", m.Licenses, len(m.Licenses) > 0)
	add("parameters", m.Params, len(m.Params) > 0)
	add("renderer", m.Config.Renderer, m.Config.Renderer != "")
	add("parser", m.Config.Parser, m.Config.Parser != "")
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	resp, err := s.do(ctx, http.MethodPost, "/api/create", bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return s.follow(resp.Body, report)
}

// follow reads how a call goes on, one object a line; an error comes as one of
// them.
func (s *Server) follow(r io.Reader, report progress.Func) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	done := false
	for lines.Scan() {
		var line struct{ Status, Error string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fault.Op("ollama").Corrupt("the server's answer cannot be read: %w", err)
		}
		if line.Error != "" {
			return fault.Op("ollama").Unsupported("the server refuses the model: %s", line.Error)
		}
		done = done || line.Status == "success"
		report.Report(progress.Report{Step: "creating", Note: line.Status})
	}
	if err := lines.Err(); err != nil {
		return fault.Op("ollama").IO("the connection to the server broke: %w", err)
	}
	if !done {
		return fault.Op("ollama").IO("the server ends before the model is made")
	}
	return nil
}

// upload sends a file that the server does not have.
func (s *Server) upload(ctx context.Context, b blob.Blob, report progress.Func) error {
	path := "/api/blobs/" + b.Digest
	resp, err := s.do(ctx, http.MethodHead, path, nil, 0)
	if err != nil {
		return err
	}
	resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusNotFound:
	default:
		return fault.Op("ollama").IO("the server answers %s to a question about a file", resp.Status)
	}
	r, err := os.Open(b.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	body := &counted{r: io.LimitReader(r, b.Size), at: progress.Report{Step: "uploading", Note: filepath.Base(b.Path), Total: b.Size, Bytes: true}, report: report}
	resp, err = s.do(ctx, http.MethodPost, path, body, b.Size)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// counted reports what is read of a body.
type counted struct {
	r      io.Reader
	at     progress.Report
	report progress.Func
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.at.Done += int64(n)
	c.report.Report(c.at)
	return n, err
}

// do makes a request. An answer that is an error is one here, but for one that
// says that a blob is not there.
func (s *Server) do(ctx context.Context, method, path string, body io.Reader, size int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base.JoinPath(path).String(), body)
	if err != nil {
		return nil, fault.Op("ollama").Invalid("%w", err)
	}
	req.ContentLength = size
	resp, err := s.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fault.Op("ollama").IO("no answer from the server at %s: %w", s.base.Host, err)
	}
	if resp.StatusCode < 300 || method == http.MethodHead {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
	return nil, fault.Op("ollama").IO("the server answers %s: %s", resp.Status, strings.TrimSpace(string(text)))
}
