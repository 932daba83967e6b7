package hub

import (
	"bytes"
	"context"
	"encoding/binary"
	"path"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
)

// headSize is what the first look at a file reads: the headers of nearly all
// safetensors files are shorter. longestHead bounds headers that are kept.
const (
	headSize    = 100 << 10
	longestHead = 16 << 20
)

// headOf returns the first bytes of a file, those of a safetensors file up to
// the end of its header. Who asks for the head of one part of a model asks for
// the others: they are fetched together, as much of each as the first has.
func (r *Repo) headOf(ctx context.Context, e *entry) ([]byte, error) {
	head := e.kept()
	if head != nil {
		return head, nil
	}
	head, err := r.fetchHead(ctx, e, headSize)
	if err != nil {
		return nil, err
	}
	like := int64(len(head))
	if n := headerEnd(e, head); n > 0 {
		like = n + n/32
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(2 * r.client.o.Connections)
	for _, other := range r.parts(e) {
		g.Go(func() error {
			if other.kept() != nil {
				return nil
			}
			_, err := r.fetchHead(inner, other, like)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return head, nil
}

// kept returns the first bytes of a file, nil until they are read.
func (e *entry) kept() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.head
}

// fetchHead reads so many first bytes of a file, and the rest of a header that
// is longer, and keeps them. Those who want it at the same time share it.
func (r *Repo) fetchHead(ctx context.Context, e *entry, n int64) ([]byte, error) {
	if head := e.kept(); head != nil {
		return head, nil
	}
	read := r.heads.DoChan(e.path, func() (any, error) { return r.readHead(r.ctx, e, n) })
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case got := <-read:
		if got.Err != nil {
			return nil, got.Err
		}
		return got.Val.([]byte), nil
	}
}

func (r *Repo) readHead(ctx context.Context, e *entry, n int64) ([]byte, error) {
	head := make([]byte, min(n, max(e.size, 0)))
	if err := r.fill(ctx, e, head, 0); err != nil {
		return nil, err
	}
	if have, end := int64(len(head)), headerEnd(e, head); end > have {
		head = append(head, make([]byte, end-have)...)
		if err := r.fill(ctx, e, head[have:], have); err != nil {
			return nil, err
		}
	}
	if int64(len(head)) == e.size {
		if err := r.verify(e, bytes.NewReader(head)); err != nil {
			return nil, err
		}
	}
	e.keep(head)
	return head, nil
}

// keep remembers the first bytes of a file.
func (e *entry) keep(head []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.head = head
}

// headerEnd is where the header of a safetensors file ends, 0 where the file
// is none or its first bytes cannot be right.
func headerEnd(e *entry, head []byte) int64 {
	if len(head) < 8 || path.Ext(e.path) != ".safetensors" {
		return 0
	}
	n := binary.LittleEndian.Uint64(head)
	if n > longestHead || int64(n) > e.size-8 {
		return 0
	}
	return 8 + int64(n)
}

// numbered are the names of the parts of a model; some count with six digits.
var numbered = regexp.MustCompile(`^(.*)-\d{5,6}-of-(\d{5,6}\.\w+)$`)

// parts returns the files of the set that a file belongs to.
func (r *Repo) parts(e *entry) []*entry {
	m := numbered.FindStringSubmatch(e.path)
	if m == nil {
		return []*entry{e}
	}
	var set []*entry
	for _, name := range r.names {
		if strings.HasPrefix(name, m[1]+"-") && path.Dir(name) == path.Dir(e.path) {
			if n := numbered.FindStringSubmatch(name); n != nil && n[1] == m[1] && n[2] == m[2] {
				set = append(set, r.files[name])
			}
		}
	}
	return set
}

// mostBeside bounds the files that are fetched because another one is read.
const mostBeside = 16

// beside fetches at once what is read of a model one after the other: the
// small files that describe it, and the head of the first that has weights.
func (r *Repo) beside() {
	n, weights := 0, false
	for _, name := range r.names {
		e := r.files[name]
		wanted := false
		switch path.Ext(name) {
		case ".json", ".jinja":
			wanted = e.size > 0 && e.size <= headSize && !strings.Contains(name, "/")
		case ".safetensors":
			wanted = !weights && strings.HasPrefix(name, "model")
			weights = weights || wanted
		}
		if wanted && n < mostBeside {
			n++
			go func() { _, _ = r.fetchHead(r.ctx, e, headSize) }() // who needs it tries again
		}
	}
}
