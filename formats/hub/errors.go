package hub

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// refused explains an answer that is not what was asked for. at names the
// repository or its file.
func (c *Client) refused(resp *status, at fault.Place) error {
	code, message := resp.Header.Get("X-Error-Code"), resp.Header.Get("X-Error-Message")
	request := ""
	if id := resp.Header.Get("X-Request-Id"); id != "" {
		request = fmt.Sprintf(" (request %s)", clip(id))
	}
	switch {
	case strings.Contains(message, "Access to this resource is disabled"):
		return at.Invalid("the Hub has taken it down%s", request)
	case strings.Contains(message, "Invalid credentials"), resp.StatusCode == http.StatusUnauthorized && c.o.Token != "" && code == "":
		return at.Invalid("the Hub does not accept the token: log in again or set HF_TOKEN to a valid one%s", request)
	case code == "GatedRepo" && c.o.Token == "":
		return at.Invalid("the repository is gated: accept its terms on its page, then set HF_TOKEN to a token of that account%s", request)
	case code == "GatedRepo":
		return at.Invalid("the repository is gated and the token's account has no access: accept its terms on its page, and let the token read gated repositories%s", request)
	case code == "RevisionNotFound":
		return at.Invalid("there is no such revision%s", request)
	case code == "EntryNotFound":
		return at.Corrupt("there is no such file%s", request)
	case code == "RepoNotFound" || resp.StatusCode == http.StatusUnauthorized:
		if c.o.Token == "" {
			return at.Invalid("there is no such repository, or it is private: check the name, or set HF_TOKEN%s", request)
		}
		return at.Invalid("there is no such repository, or the token may not read it%s", request)
	case resp.StatusCode == http.StatusNotFound:
		return at.Invalid("not found%s", request)
	case resp.StatusCode == http.StatusForbidden:
		return at.Invalid("the token does not permit this%s%s", c.said(message), request)
	}
	return at.IO("the Hub answers %d %s%s%s", resp.StatusCode, http.StatusText(resp.StatusCode), c.said(message), request)
}

// said quotes what a server says, as far as it fits a line and without the
// token.
func (c *Client) said(message string) string {
	if c.o.Token != "" {
		message = strings.ReplaceAll(message, c.o.Token, "…")
	}
	if message == "" {
		return ""
	}
	return fmt.Sprintf(": %q", clip(message))
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// unreachable explains a request that got no answer. The address in Go's own
// errors can hold a signature; the host says enough.
func unreachable(err error, host string, at fault.Place) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return at.IO("the host %s cannot be found: is there a network? Without one, HF_HUB_OFFLINE=1 uses what the cache holds", host)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return at.IO("no connection to %s: %w", host, op.Err)
	}
	if errors.Is(err, errStalled) {
		return at.IO("%s sends nothing any more", host)
	}
	return at.IO("the connection to %s broke: %w", host, bare(err))
}
