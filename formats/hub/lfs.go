package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/transfer"
)

const lfsType = "application/vnd.git-lfs+json"

// action is one step that the LFS server asks for.
type action struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

// uploadLarge sends the files that are stored apart from git and that the Hub
// does not have, and returns their number. Each is asked for when its turn
// comes: the addresses to send to expire.
func (c *Client) uploadLarge(ctx context.Context, n Name, objects []*object, report progress.Func) (sent int, err error) {
	done := map[string]bool{}
	for _, o := range objects {
		if !o.lfs || done[o.sha] {
			continue
		}
		done[o.sha] = true
		there, err := c.uploadOne(ctx, n, o, report)
		if err != nil {
			return sent, err
		}
		if !there {
			sent++
		}
	}
	return sent, nil
}

// uploadOne sends a file unless it is there.
func (c *Client) uploadOne(ctx context.Context, n Name, o *object, report progress.Func) (there bool, err error) {
	at := n.place().File(o.Path)
	note := c.noteOf(n, o)
	for attempt := 0; ; attempt++ {
		u := note.read()
		if u == nil {
			if u, err = c.batch(ctx, n, o, at); err != nil || u == nil {
				return u == nil, err
			}
			u.note = note
		}
		err = c.sendLarge(ctx, o, u, at, report)
		note.drop(err)
		if !errors.Is(err, errExpired) || attempt == c.o.Attempts {
			break
		}
	}
	if errors.Is(err, errExpired) {
		return false, at.IO("the Hub's storage refuses the file")
	}
	return false, err
}

// upload is how a file gets to the storage: whole or in parts.
type upload struct {
	Upload action         `json:"upload"`
	Verify *action        `json:"verify,omitempty"`
	ETags  map[int]string `json:"etags,omitempty"` // of the parts that are there

	mu      sync.Mutex
	note    *note
	resumed bool // begun by an earlier run
}

// batch asks how a file is sent; nil means that the Hub has it.
func (c *Client) batch(ctx context.Context, n Name, o *object, at fault.Place) (*upload, error) {
	ask := map[string]any{
		"operation": "upload", "transfers": []string{"basic", "multipart"}, "hash_algo": "sha256",
		"objects": []map[string]any{{"oid": o.sha, "size": o.size}}, "ref": map[string]string{"name": n.revision()},
	}
	var answer struct {
		Objects []struct {
			OID     string `json:"oid"`
			Actions struct{ Upload, Verify *action }
			Error   *struct{ Message string }
		}
	}
	if _, err := c.lfsCall(ctx, c.address(n.Owner, n.Model+".git", "info", "lfs", "objects", "batch"), ask, &answer, at); err != nil {
		return nil, err
	}
	for _, a := range answer.Objects {
		switch {
		case a.OID != o.sha:
		case a.Error != nil:
			return nil, at.IO("the Hub refuses the file%s", c.said(a.Error.Message))
		case a.Actions.Upload == nil:
			return nil, nil
		default:
			return &upload{Upload: *a.Actions.Upload, Verify: a.Actions.Verify, ETags: map[int]string{}}, nil
		}
	}
	return nil, at.Corrupt("the Hub does not say how to upload it")
}

// lfsCall posts an object as the LFS protocol wants it.
func (c *Client) lfsCall(ctx context.Context, u *url.URL, ask, answer any, at fault.Place) (code int, err error) {
	body, err := jsonReader(ask)
	if err != nil {
		return 0, err
	}
	header := http.Header{"Content-Type": {lfsType}, "Accept": {lfsType}}
	data, resp, err := c.call(ctx, http.MethodPost, u, header, body, maxInfo, at)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode >= 300 {
		return resp.StatusCode, c.refused(resp, at)
	}
	if answer == nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, unmarshal(data, answer, at)
}

// sendLarge puts a file to where the Hub says, whole or in parts.
func (c *Client) sendLarge(ctx context.Context, o *object, u *upload, at fault.Place, report progress.Func) error {
	r, size, err := o.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if size != o.size {
		return at.Corrupt("the file changed while it was sent")
	}
	sent := transfer.NewSending(progress.Report{Step: "uploading", Note: o.Path, Total: size, Bytes: true}, report)
	if u.Upload.Header["chunk_size"] != "" {
		err = c.sendParts(ctx, r, o, u, at, sent)
	} else {
		_, err = c.put(ctx, u.Upload, io.NewSectionReader(r, 0, size), at, sent)
	}
	if err != nil || u.Verify == nil {
		return err
	}
	verify, err := url.Parse(u.Verify.Href)
	if err != nil {
		return at.Corrupt("the Hub names no address to verify it")
	}
	_, err = c.lfsCall(ctx, verify, map[string]any{"oid": o.sha, "size": o.size}, nil, at)
	return err
}

// sendParts sends the parts that the Hub asks for, several at once, and tells
// it when all are there.
func (c *Client) sendParts(ctx context.Context, r io.ReaderAt, o *object, u *upload, at fault.Place, sent *transfer.Sending) error {
	chunk, err := strconv.ParseInt(u.Upload.Header["chunk_size"], 10, 64)
	if err != nil || chunk < 1 {
		return at.Corrupt("the Hub asks for parts of %q bytes", clip(u.Upload.Header["chunk_size"]))
	}
	var numbers []int
	addresses := map[int]string{}
	for key, address := range u.Upload.Header {
		if number, err := strconv.Atoi(key); err == nil {
			numbers, addresses[number] = append(numbers, number), address
		}
	}
	slices.Sort(numbers)
	if want := (o.size + chunk - 1) / chunk; int64(len(addresses)) != want || numbers[0] != 1 || int64(numbers[len(numbers)-1]) != want {
		return at.Corrupt("the Hub asks for %d parts of %d bytes of a file of %d", len(addresses), chunk, o.size)
	}
	there := maps.Clone(u.ETags) // which grows meanwhile
	all, within := errgroup.WithContext(ctx)
	all.SetLimit(mostParts)
	for _, number := range numbers {
		from := int64(number-1) * chunk
		n := min(chunk, o.size-from)
		if there[number] != "" {
			sent.Add(n)
			continue
		}
		all.Go(func() error {
			if within.Err() != nil {
				return context.Cause(within) // a part has failed: those on their way arrive, no other begins
			}
			header, err := c.put(ctx, action{Href: addresses[number]}, io.NewSectionReader(r, from, n), at, sent)
			if err != nil {
				return err
			}
			return u.arrived(number, header.Get("ETag"))
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	type done struct {
		Number int    `json:"partNumber"`
		ETag   string `json:"etag"`
	}
	var parts []done
	for _, number := range numbers {
		parts = append(parts, done{number, u.ETags[number]})
	}
	complete, err := url.Parse(u.Upload.Href)
	if err != nil {
		return at.Corrupt("the Hub names no address to complete it")
	}
	code, err := c.lfsCall(ctx, complete, map[string]any{"oid": o.sha, "parts": parts}, nil, at)
	if u.resumed && code >= 400 && code < 500 {
		return errExpired
	}
	return err
}

// arrived notes a part that is there.
func (u *upload) arrived(number int, tag string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ETags[number] = tag
	return u.note.write(u)
}

// put sends bytes to a signed address.
func (c *Client) put(ctx context.Context, to action, r *io.SectionReader, at fault.Place, sent *transfer.Sending) (http.Header, error) {
	u, err := url.Parse(to.Href)
	if err != nil || u.Host == "" {
		return nil, at.Corrupt("the Hub names no address to upload to")
	}
	h := http.Header{}
	for key, value := range to.Header {
		h.Set(key, value)
	}
	body := transfer.Attempts(func() io.Reader { return io.NewSectionReader(r, 0, r.Size()) }, r.Size(), sent)
	_, resp, err := c.call(ctx, http.MethodPut, u, h, body, maxInfo, at)
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode < 300:
		return resp.Header, nil
	case resp.StatusCode < 500 && u.Host != c.endpoint.Host:
		return nil, errExpired
	}
	return nil, c.refused(resp, at)
}

// jsonReader encodes an object once and gives readers of it.
func jsonReader(v any) (func() io.Reader, error) {
	data, err := json.Marshal(v)
	return func() io.Reader { return bytes.NewReader(data) }, err
}
