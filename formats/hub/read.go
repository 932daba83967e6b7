package hub

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/transfer"
)

// mostSkipped is how much of a file is read and thrown away where a server
// ignores ranges.
const mostSkipped = 64 << 20

// stream reads [from, from+n) of a file and hands it to take piece by piece, in
// order. Broken connections, pauses that the Hub asks for and addresses that
// expired are gone on from where they stopped; the attempts count anew with
// every byte that arrives.
func (r *Repo) stream(ctx context.Context, e *entry, from, n int64, take func(r io.Reader) (int64, error)) error {
	if err := r.slots.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	defer r.slots.Release(1)
	end := from + n
	at := r.Name.place().File(e.path)
	for attempt, expired := 0, 0; from < end; {
		done, resp, err := r.attempt(ctx, e, from, end, take)
		from += done
		if done > 0 {
			attempt, expired = 0, 0
		}
		if from == end {
			return nil
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, fault.ErrCorrupt), errors.Is(err, fault.ErrInvalid):
			return err
		case errors.Is(err, errExpired) && expired < renewals:
			expired++
			continue
		case resp != nil && resp.StatusCode >= 400 && !transfer.Retriable(resp.StatusCode):
			return r.client.refused(resp, at)
		}
		if attempt++; attempt >= r.client.o.Attempts {
			if resp != nil && resp.StatusCode >= 400 {
				return r.client.refused(resp, at)
			}
			return unreachable(err, r.host(e), at)
		}
		if resp != nil && resp.StatusCode < 400 {
			resp = nil
		}
		if err := r.client.wait(ctx, resp, attempt-1); err != nil {
			return err
		}
	}
	return nil
}

// renewals is how many addresses in a row may be refused before the refusal is
// taken for one of the reader.
const renewals = 6

// errExpired says that a signed address is no longer accepted.
var errExpired = errors.New("the signed address has expired")

// attempt makes one request for [from, end) and returns how much arrived.
func (r *Repo) attempt(ctx context.Context, e *entry, from, end int64, take func(io.Reader) (int64, error)) (int64, *status, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, t, err := r.open(ctx, e, from, end) //nolint:bodyclose // closed as a watched body
	if err != nil {
		e.expire(t) // another host may answer
		return 0, nil, cmpCause(ctx, err)
	}
	body := r.client.watched(resp.Body, cancel)
	defer body.Close()
	if t.signed && (resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusGone || resp.StatusCode == http.StatusNotFound) {
		e.expire(t)
		return 0, statusOf(resp, nil), errExpired
	}
	if resp.StatusCode >= 400 {
		return 0, statusOf(resp, nil), errors.New(resp.Status)
	}
	skip, err := ranged(resp, e, from, end)
	if err != nil {
		e.expire(t)
		return 0, statusOf(resp, nil), err
	}
	if skip > mostSkipped {
		return 0, statusOf(resp, nil), r.Name.place().File(e.path).Corrupt("the server %s ignores ranges; download the repository and convert the folder", t.url.Host)
	}
	if skip > 0 {
		if _, err := io.CopyN(io.Discard, body, skip); err != nil {
			return 0, statusOf(resp, nil), cmpCause(ctx, err)
		}
	}
	n, err := take(io.LimitReader(body, end-from))
	if err == nil && n < end-from {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = cmpCause(ctx, err)
	}
	return n, statusOf(resp, nil), err
}

// host names the server that a file was last asked of.
func (r *Repo) host(e *entry) string { return r.resolve(e).url.Host }

// fill reads bytes into p.
func (r *Repo) fill(ctx context.Context, e *entry, p []byte, off int64) error {
	return r.stream(ctx, e, off, int64(len(p)), func(body io.Reader) (int64, error) {
		n, err := io.ReadFull(body, p)
		p = p[n:]
		return int64(n), err
	})
}
