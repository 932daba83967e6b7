package hub

import (
	"context"
	"slices"

	"github.com/f190792d/mq/formats/ahead"
)

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
	ordered := false
	if ahead.IsScattered(ctx) {
		if slices.ContainsFunc(need, func(k blockKey) bool { return !f.repo.memory.has(k) }) {
			need = f.e.pieces(off, off+int64(len(p)))
		}
		f.repo.start(need)
	} else if f.repo.start(need); f.repo.follow(f.e, off, off+int64(len(p))) {
		ordered = f.repo.large
	} else if n, until := f.beyond(off, end); n > 0 {
		f.extend(end, n, until)
	}
	total := int64(0)
	for _, k := range need {
		b, err := f.repo.block(ctx, k)
		if err != nil {
			return total, err
		}
		n := copy(p, b.data[off-k.from:])
		f.repo.memory.release(b, n, ordered)
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
			r.memory.release(b, 0, false)
			return nil, context.Cause(ctx)
		case <-b.done:
		}
		if b.err != nil {
			r.memory.release(b, 0, false)
			return nil, b.err
		}
		return b, nil
	}
}
