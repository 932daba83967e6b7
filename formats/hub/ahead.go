package hub

import (
	"context"
	"encoding/binary"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/ahead"
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

// A course is a stretch of a file that is read from its start to its end, such
// as a tensor, and how far its reader is. Several goroutines may read it in
// turns.
type course struct {
	from, until int64 // bytes
	last        int64 // where the last block that was read ends
	more        int64 // bytes that are read before they are asked for
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
	c := &course{from: off, until: min(off+n, f.e.size), last: -mostBytes}
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

// beyond returns how much is worth reading after a read, and how far. A reader
// that begins a course has as much as there is room for; one that goes on
// where it stopped, or nearly so, has ever more; one that jumps has nothing.
func (f *file) beyond(off, end int64) (n, until int64) {
	const near = 8 * blockSize // several goroutines read one course in turns
	most := min(f.repo.memory.budget/8, mostBytes)
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.courseOf(off)
	switch {
	case off == c.from && off > 0:
		c.more = most
	case off < c.last-near-blockSize || off >= c.last+near+blockSize:
		c.more = 0
	case end > c.last: // rows of a sample may lie in one block
		c.more = min(max(2*c.more, 4*blockSize), most)
	}
	c.last = end
	return c.more, c.until
}

// readBlocks reads through the blocks of the memory.
func (f *file) readBlocks(ctx context.Context, p []byte, off int64) (int64, error) {
	need := f.e.blocks(off, off+int64(len(p)))
	end := need[len(need)-1].end
	if ahead.IsScattered(ctx) {
		if slices.ContainsFunc(need, func(k blockKey) bool { return !f.repo.memory.has(k) }) {
			need = f.e.pieces(off, off+int64(len(p)))
		}
		f.repo.start(need)
	} else if f.repo.start(need); !f.repo.follow(f.e, off, off+int64(len(p))) {
		if n, until := f.beyond(off, end); n > 0 {
			f.extend(end, n, until)
		}
	}
	total := int64(0)
	for _, k := range need {
		b, err := f.repo.block(ctx, k)
		if err != nil {
			return total, err
		}
		n := copy(p, b.data[off-k.from:])
		f.repo.memory.release(b)
		p, off, total = p[n:], off+int64(n), total+int64(n)
	}
	return total, nil
}

// extend keeps blocks coming after those that were asked for, in requests
// that are worth their round trip: half of what is read ahead at a time, or
// what is left before the last.
func (f *file) extend(from, n, until int64) {
	if from >= until {
		return
	}
	want := f.e.blocks(from, min(from+n, until))
	for len(want) > 0 && f.repo.memory.has(want[0]) {
		want = want[1:]
	}
	if len(want) == 0 {
		return
	}
	if end := want[len(want)-1].end; end-want[0].from >= n/2 || end >= until {
		f.repo.start(want)
	}
}

// start begins to fetch those of some blocks that are absent, as far as there
// is room, and returns how many it has passed. Neighbours come with one request.
func (r *Repo) start(want []blockKey) (passed int) {
	for passed < len(want) {
		first := want[passed]
		if r.memory.has(first) {
			passed++
			continue
		}
		n := 1
		for passed+n < len(want) && want[passed+n].file == first.file && want[passed+n].from == want[passed+n-1].end && want[passed+n].end <= first.from+mostBytes {
			n++
		}
		made := r.memory.reserve(want[passed : passed+n])
		if len(made) == 0 {
			continue // another reader was faster
		}
		go r.fetch(r.ctx, first.file, made)
		if passed += len(made); len(made) < n && passed < len(want) && !r.memory.has(want[passed]) {
			return passed
		}
	}
	return passed
}

// block waits for a block, fetching it where it was dropped meanwhile. The
// caller releases it.
func (r *Repo) block(ctx context.Context, k blockKey) (*block, error) {
	for {
		b, ok := r.memory.take(k)
		if !ok {
			r.start([]blockKey{k})
			continue
		}
		select {
		case <-ctx.Done():
			r.memory.release(b)
			return nil, context.Cause(ctx)
		case <-b.done:
		}
		if b.err != nil {
			r.memory.release(b)
			return nil, b.err
		}
		return b, nil
	}
}
