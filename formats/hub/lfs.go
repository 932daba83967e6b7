package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/f190792d/mq/formats/fault"
)

const lfsType = "application/vnd.git-lfs+json"

// action is one step that the LFS server asks for.
type action struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

// uploadLarge sends the files that are stored apart from git and that the Hub
// does not have, and returns their number.
func (c *Client) uploadLarge(ctx context.Context, n Name, objects []*object) (int, error) {
	bySHA := map[string]*object{}
	var asks []map[string]any
	for _, o := range objects {
		if o.lfs && !o.skip && bySHA[o.sha] == nil {
			bySHA[o.sha] = o
			asks = append(asks, map[string]any{"oid": o.sha, "size": o.size})
		}
	}
	if len(asks) == 0 {
		return 0, nil
	}
	ask := map[string]any{
		"operation": "upload", "transfers": []string{"basic", "multipart"}, "objects": asks, "hash_algo": "sha256",
		"ref": map[string]string{"name": n.revision()},
	}
	var answer struct {
		Objects []struct {
			OID     string            `json:"oid"`
			Actions map[string]action `json:"actions"`
			Error   *struct {
				Message string `json:"message"`
			} `json:"error"`
		} `json:"objects"`
	}
	if err := c.lfsCall(ctx, c.address(n.Owner, n.Model+".git", "info", "lfs", "objects", "batch"), ask, &answer, n.place()); err != nil {
		return 0, err
	}
	sent := 0
	for _, a := range answer.Objects {
		o := bySHA[a.OID]
		if o == nil {
			continue
		}
		at := n.place().File(o.Path)
		if a.Error != nil {
			return sent, at.IO("the Hub refuses the file: %q", clip(a.Error.Message))
		}
		up, missing := a.Actions["upload"]
		if !missing {
			continue
		}
		if err := c.sendLarge(ctx, o, up, at); err != nil {
			return sent, err
		}
		if verify, ok := a.Actions["verify"]; ok {
			u, err := url.Parse(verify.Href)
			if err != nil {
				return sent, at.Corrupt("the Hub names no address to verify it")
			}
			if err := c.lfsCall(ctx, u, map[string]any{"oid": o.sha, "size": o.size}, nil, at); err != nil {
				return sent, err
			}
		}
		sent++
	}
	return sent, nil
}

// lfsCall posts an object as the LFS protocol wants it.
func (c *Client) lfsCall(ctx context.Context, u *url.URL, ask, answer any, at fault.Place) error {
	body, err := jsonReader(ask)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {lfsType}, "Accept": {lfsType}}
	data, resp, err := c.call(ctx, http.MethodPost, u, header, body, maxInfo, at)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return c.refused(resp, at)
	}
	if answer == nil {
		return nil
	}
	return unmarshal(data, answer, at)
}

// sendLarge puts a file to where the Hub says, whole or in parts.
func (c *Client) sendLarge(ctx context.Context, o *object, up action, at fault.Place) error {
	r, size, err := o.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if size != o.size {
		return at.Corrupt("the file changed while it was sent")
	}
	if up.Header["chunk_size"] == "" {
		_, err := c.put(ctx, up.Href, up.Header, io.NewSectionReader(r, 0, size), size, at)
		return err
	}
	chunk, err := strconv.ParseInt(up.Header["chunk_size"], 10, 64)
	if err != nil || chunk < 1 {
		return at.Corrupt("the Hub asks for parts of %q bytes", clip(up.Header["chunk_size"]))
	}
	type done struct {
		Number int    `json:"partNumber"`
		ETag   string `json:"etag"`
	}
	var parts []done
	for _, key := range slices.Sorted(maps.Keys(up.Header)) {
		number, err := strconv.Atoi(key)
		if err != nil {
			continue
		}
		from := int64(number-1) * chunk
		if number < 1 || from >= size {
			return at.Corrupt("the Hub asks for part %d of a file of %d bytes", number, size)
		}
		n := min(chunk, size-from)
		header, err := c.put(ctx, up.Header[key], nil, io.NewSectionReader(r, from, n), n, at)
		if err != nil {
			return err
		}
		parts = append(parts, done{number, header.Get("ETag")})
	}
	slices.SortFunc(parts, func(a, b done) int { return a.Number - b.Number })
	if int64(len(parts)) != (size+chunk-1)/chunk {
		return at.Corrupt("the Hub asks for %d parts of %d bytes of a file of %d", len(parts), chunk, size)
	}
	u, err := url.Parse(up.Href)
	if err != nil {
		return at.Corrupt("the Hub names no address to complete it")
	}
	return c.lfsCall(ctx, u, map[string]any{"oid": o.sha, "parts": parts}, nil, at)
}

// put sends bytes to a signed address.
func (c *Client) put(ctx context.Context, address string, header map[string]string, r *io.SectionReader, size int64, at fault.Place) (http.Header, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, at.Corrupt("the Hub names no address to upload to")
	}
	h := http.Header{}
	for key, value := range header {
		h.Set(key, value)
	}
	body := func() io.Reader { return &sized{io.NewSectionReader(r, 0, size), size} }
	_, resp, err := c.call(ctx, http.MethodPut, u, h, body, maxInfo, at)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, c.refused(resp, at)
	}
	return resp.Header, nil
}

// sized is a body whose length is known, which storage servers insist on.
type sized struct {
	io.Reader
	n int64
}

// jsonReader encodes an object once and gives readers of it.
func jsonReader(v any) (func() io.Reader, error) {
	data, err := json.Marshal(v)
	return func() io.Reader { return bytes.NewReader(data) }, err
}
