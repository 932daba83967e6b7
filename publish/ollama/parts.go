package ollama

import (
	"context"
	"crypto/md5" //nolint:gosec // of the parts, as the storage names them
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/transfer"
	"github.com/f190792d/mq/publish/blob"
)

const (
	pieces     = 16 // of a blob, as far as the limits of their size allow
	concurrent = 4  // parts on their way to a storage
)

// errBegin asks for the upload of a blob to begin anew.
var errBegin = errors.New("the registry lost the upload")

// pushBlob sends a blob unless the registry has it.
func (r *Registry) pushBlob(ctx context.Context, n Name, b blob.Blob, report progress.Func) error {
	a, err := r.do(ctx, request{method: http.MethodHead, url: r.address(n, "blobs", b.Digest)})
	if err != nil {
		return err
	}
	if a.code != http.StatusNotFound {
		return r.expect(a, n, http.StatusOK, http.StatusTemporaryRedirect, http.StatusFound)
	}
	c, err := b.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	for attempt := 0; ; attempt++ {
		err := r.upload(ctx, n, b, c, report)
		if !errors.Is(err, errBegin) || ctx.Err() != nil {
			return err
		}
		if attempt+1 >= r.attempts {
			return fault.Op("ollama").Folder(n.String()).IO("the registry %s lost the upload %d times", n.Host, r.attempts)
		}
		if err := r.wait(ctx, nil, attempt); err != nil {
			return err
		}
	}
}

// upload sends a blob from its beginning on. Parts follow each other, for each
// answer says where the next goes; a storage that the registry leads to takes
// several at once.
func (r *Registry) upload(ctx context.Context, n Name, b blob.Blob, c blob.Content, report progress.Func) error {
	a, err := r.do(ctx, request{method: http.MethodPost, url: r.address(n, "blobs", "uploads", "")})
	if err != nil {
		return err
	}
	if a.code == http.StatusCreated {
		return nil
	}
	if err := r.expect(a, n, http.StatusAccepted); err != nil {
		return err
	}
	next, err := location(a)
	if err != nil {
		return err
	}
	sent := transfer.NewSending(progress.Report{Step: "uploading", Note: b.Digest[:19], Total: b.Size, Bytes: true}, report)
	size := min(max(b.Size/pieces, r.least), r.most)
	var parts []*part
	stored, within := errgroup.WithContext(ctx)
	stored.SetLimit(concurrent)
	for from := int64(0); from < b.Size; from += size {
		p := newPart(c, from, min(size, b.Size-from), sent)
		parts = append(parts, p)
		to, err := r.patch(within, n, p, &next)
		if err != nil {
			if failed := stored.Wait(); failed != nil {
				return failed
			}
			return err
		}
		if to != nil {
			stored.Go(func() error { return r.store(within, n, p, to) })
		}
	}
	if err := stored.Wait(); err != nil {
		return err
	}
	all := md5.New() //nolint:gosec // see above
	for _, p := range parts {
		all.Write(p.sum.Sum(nil))
	}
	query := next.Query()
	query.Set("digest", b.Digest)
	query.Set("etag", fmt.Sprintf("%x-%d", all.Sum(nil), len(parts)))
	next.RawQuery = query.Encode()
	if a, err = r.do(ctx, request{method: http.MethodPut, url: next}); err != nil {
		return err
	}
	if a.code == http.StatusNotFound {
		return errBegin
	}
	return r.expect(a, n, http.StatusCreated, http.StatusNoContent)
}

// part is a piece of a blob on its way.
type part struct {
	from, size int64
	body       func() io.Reader // for each attempt
	sum        hash.Hash        // of what the last attempt has sent
}

func newPart(c io.ReaderAt, from, size int64, sent *transfer.Sending) *part {
	p := &part{from: from, size: size}
	p.body = transfer.Attempts(func() io.Reader {
		p.sum = md5.New() //nolint:gosec // see above
		return io.TeeReader(io.NewSectionReader(c, from, size), p.sum)
	}, size, sent)
	return p
}

// patch offers a part to the registry, which takes it or leads to a storage.
// The next part goes to where the answer says.
func (r *Registry) patch(ctx context.Context, n Name, p *part, next **url.URL) (storage *url.URL, err error) {
	header := http.Header{
		"Content-Type": {"application/octet-stream"}, "X-Redirect-Uploads": {"1"}, "Expect": {"100-continue"},
		"Content-Range": {fmt.Sprintf("%d-%d", p.from, p.from+p.size-1)},
	}
	a, err := r.do(ctx, request{method: http.MethodPatch, url: *next, header: header, body: p.body, once: true})
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, fault.ErrIO) {
			err = errBegin
		}
		return nil, err
	}
	switch {
	case a.code == http.StatusTemporaryRedirect:
		if storage, err = (&http.Response{Header: a.header, Request: &http.Request{URL: a.at}}).Location(); err != nil {
			return nil, fault.Op("ollama").Corrupt("the registry %s leads nowhere", a.at.Host)
		}
	case transfer.Retriable(a.code), a.code == http.StatusNotFound, a.code == http.StatusRequestedRangeNotSatisfiable:
		return nil, errBegin
	default:
		if err := r.expect(a, n, http.StatusAccepted, http.StatusNoContent); err != nil {
			return nil, err
		}
	}
	*next, err = location(a)
	return storage, err
}

// store sends a part to a storage.
func (r *Registry) store(ctx context.Context, n Name, p *part, to *url.URL) error {
	a, err := r.do(ctx, request{method: http.MethodPut, url: to, body: p.body})
	if err != nil {
		return err
	}
	return r.expect(a, n, http.StatusOK, http.StatusCreated, http.StatusNoContent)
}

// location is where an upload goes on.
func location(a *answer) (*url.URL, error) {
	text := a.header.Get("Docker-Upload-Location")
	if text == "" {
		text = a.header.Get("Location")
	}
	u, err := a.at.Parse(text)
	if err != nil || text == "" {
		return nil, fault.Op("ollama").Corrupt("the registry %s does not say where the upload goes", a.at.Host)
	}
	return u, nil
}
