package hub

import (
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
// is longer, and keeps them.
func (r *Repo) fetchHead(ctx context.Context, e *entry, n int64) ([]byte, error) {
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
	e.mu.Lock()
	defer e.mu.Unlock()
	e.head = head
	return head, nil
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

// A course is a stretch of a file that is read from its start to its end, such
// as a tensor, and how far its reader is. Several goroutines may read it in
// turns.
type course struct {
	from, until int64 // bytes
	last        int64 // block after the last one that was read
	ahead       int   // blocks that are read before they are asked for
}

// mostCourses are followed at once.
const mostCourses = 8

// WillRead says that [off, off+n) will be read from its start on if its first
// bytes are: so much is worth reading ahead, and no more. Of stretches that
// are short the file's own course has to do, which joins them.
func (f *file) WillRead(off, n int64) {
	if n < 4*blockSize {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, c := range f.courses {
		if c.from == off {
			copy(f.courses[1:], f.courses[:i])
			f.courses[0] = c
			return
		}
	}
	c := &course{from: off, until: min(off+n, f.e.size), last: -mostBlocks}
	f.courses = append([]*course{c}, f.courses[:min(len(f.courses), mostCourses-1)]...)
}

// courseOf finds what an offset belongs to.
func (f *file) courseOf(off int64) *course {
	for _, c := range f.courses {
		if off >= c.from && off < c.until {
			return c
		}
	}
	f.whole.until = f.e.size
	return &f.whole
}

// readBlocks reads through the blocks of the memory. A reader that begins a
// course has as many more read ahead as there is room for; one that goes on
// where it stopped, or nearly so, has ever more; one that jumps has none.
func (f *file) readBlocks(ctx context.Context, p []byte, off int64) (int64, error) {
	const near = 8 // blocks: several goroutines read one course in turns
	first := off / blockSize
	need := int((off+int64(len(p))+blockSize-1)/blockSize - first)
	most := min(f.repo.memory.budget/8, mostBlocks)
	f.mu.Lock()
	c := f.courseOf(off)
	switch {
	case off == c.from && off > 0:
		c.ahead = most
	case first < c.last-near || first > c.last+near:
		c.ahead = 0
	case first+int64(need) > c.last: // rows of a sample may lie in one block
		c.ahead = min(max(2*c.ahead, 4), most)
	}
	c.last = first + int64(need)
	ahead, end := c.ahead, (c.until+blockSize-1)/blockSize
	f.mu.Unlock()
	f.start(first, need)
	if ahead > 0 {
		f.extend(first+int64(need), ahead, end)
	}
	total := int64(0)
	for len(p) > 0 {
		at := off / blockSize
		b, err := f.block(ctx, at)
		if err != nil {
			return total, err
		}
		n := copy(p, b.data[off-at*blockSize:])
		f.repo.memory.release(b)
		p, off, total = p[n:], off+int64(n), total+int64(n)
	}
	return total, nil
}

// extend keeps blocks coming after those that were asked for, in requests
// that are worth their round trip: half of what is read ahead at a time, or
// what is left before the last.
func (f *file) extend(from int64, ahead int, last int64) {
	end := min(from+int64(ahead), last)
	at := from
	for at < end && f.repo.memory.has(blockKey{f.e, at}) {
		at++
	}
	if end-at >= int64(ahead)/2 || at < end && end == last {
		f.start(at, int(end-at))
	}
}

// start begins to fetch those of n blocks that are absent, as far as there is
// room.
func (f *file) start(first int64, n int) {
	end := min(first+int64(n), (f.e.size+blockSize-1)/blockSize)
	for at := first; at < end; {
		if f.repo.memory.has(blockKey{f.e, at}) {
			at++
			continue
		}
		made := f.repo.memory.reserve(f.e, at, int(min(end-at, mostBlocks)))
		if len(made) == 0 {
			return
		}
		at += int64(len(made))
		go f.repo.fetch(f.repo.ctx, f.e, made)
	}
}

// block waits for a block, fetching it where it was dropped meanwhile. The
// caller releases it.
func (f *file) block(ctx context.Context, at int64) (*block, error) {
	m := f.repo.memory
	for {
		b, ok := m.take(blockKey{f.e, at})
		if !ok {
			f.start(at, 1)
			continue
		}
		select {
		case <-ctx.Done():
			m.release(b)
			return nil, context.Cause(ctx)
		case <-b.done:
		}
		if b.err != nil {
			m.release(b)
			return nil, b.err
		}
		return b, nil
	}
}
