package hub

import (
	"context"
	"path"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
)

// headSize is what the first look at a file reads: the headers of nearly all
// safetensors files are shorter.
const headSize = 100 << 10

// readHead reads from the first bytes of a file, which are kept.
func (f *file) readHead(ctx context.Context, p []byte, off int64) (int, error) {
	head, err := f.repo.headOf(ctx, f.e)
	if err != nil {
		return 0, err
	}
	return copy(p, head[off:]), nil
}

// headOf returns the first bytes of a file. The heads of all parts of a model
// are fetched together, since who asks for one asks for the others.
func (r *Repo) headOf(ctx context.Context, e *entry) ([]byte, error) {
	e.mu.Lock()
	head := e.head
	e.mu.Unlock()
	if head != nil {
		return head, nil
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(2 * r.client.o.Connections)
	for _, other := range r.parts(e) {
		g.Go(func() error {
			other.mu.Lock()
			known := other.head != nil
			other.mu.Unlock()
			if known {
				return nil
			}
			head := make([]byte, min(headSize, max(other.size, 0)))
			if err := r.fill(inner, other, head, 0); err != nil {
				return err
			}
			other.mu.Lock()
			other.head = head
			other.mu.Unlock()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.head, nil
}

// numbered are the names of the parts of a model.
var numbered = regexp.MustCompile(`^(.*)-\d{5}-of-(\d{5}\.\w+)$`)

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

// WillRead says that [off, off+n) will be read soon from its start on, such as
// the rest of a tensor: so much is worth reading ahead.
func (f *file) WillRead(off, n int64) {
	f.mu.Lock()
	f.until = (min(off+n, f.e.size) + blockSize - 1) / blockSize
	f.mu.Unlock()
}

// readBlocks reads through the blocks of the memory. A reader that goes on
// where it stopped, or nearly so, has ever more blocks read ahead; one that
// jumps has those of what it said it will read.
func (f *file) readBlocks(ctx context.Context, p []byte, off int64) (int64, error) {
	const near = 8 // blocks: several goroutines read one file in turns
	first := off / blockSize
	need := int((off+int64(len(p))+blockSize-1)/blockSize - first)
	most := min(f.repo.memory.budget/4, mostBlocks)
	f.mu.Lock()
	if first >= f.last-near && first <= f.last+near {
		f.ahead = min(max(2*f.ahead, 4), most)
	} else {
		f.ahead = 0
	}
	f.last = first + int64(need)
	ahead := max(f.ahead, min(int(f.until-f.last), most))
	f.mu.Unlock()
	f.start(first, need)
	if ahead > 0 {
		f.extend(first+int64(need), ahead)
	}
	total := int64(0)
	for len(p) > 0 {
		at := off / blockSize
		b, err := f.block(ctx, at)
		if err != nil {
			return total, err
		}
		n := copy(p, b.data[off-at*blockSize:])
		p, off, total = p[n:], off+int64(n), total+int64(n)
	}
	return total, nil
}

// extend keeps blocks coming behind those that were asked for, in requests
// that are worth their round trip: half of what is read ahead at a time.
func (f *file) extend(from int64, ahead int) {
	end := min(from+int64(ahead), (f.e.size+blockSize-1)/blockSize)
	at := from
	for at < end {
		if _, ok := f.repo.memory.lookup(blockKey{f.e, at}); !ok {
			break
		}
		at++
	}
	if end-at >= int64(ahead)/2 || at < end && end*blockSize >= f.e.size {
		f.start(at, int(end-at))
	}
}

// start begins to fetch those of n blocks that are absent, as far as there is
// room.
func (f *file) start(first int64, n int) {
	end := min(first+int64(n), (f.e.size+blockSize-1)/blockSize)
	for at := first; at < end; {
		if _, ok := f.repo.memory.lookup(blockKey{f.e, at}); ok {
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

// block waits for a block, fetching it where it was dropped meanwhile.
func (f *file) block(ctx context.Context, at int64) (*block, error) {
	for {
		b, ok := f.repo.memory.lookup(blockKey{f.e, at})
		if !ok {
			f.start(at, 1)
			if b, ok = f.repo.memory.lookup(blockKey{f.e, at}); !ok {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-b.done:
		}
		if b.err != nil {
			return nil, b.err
		}
		return b, nil
	}
}
