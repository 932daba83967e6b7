package quantize

import (
	"context"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// A chunk is a run of rows of one source tensor on its way to the outputs.
type chunk struct {
	task        *task
	first, rows int64
	data        *[]byte
	uses        []use // those that do not have it yet
	cost        int64 // of the memory budget
}

// next deals out a chunk. Chunks that every output has are passed over.
func (r *run) next() *chunk {
	r.cursor.Lock()
	defer r.cursor.Unlock()
	for r.cursor.tensor < len(r.tensors) {
		t := &r.tensors[r.cursor.tensor]
		if r.cursor.row >= t.rows || len(t.uses) == 0 {
			r.cursor.tensor, r.cursor.row = r.cursor.tensor+1, 0
			continue
		}
		c := r.chunk(t, r.cursor.row)
		r.cursor.row += c.rows
		if len(c.uses) > 0 {
			return c
		}
		r.finish(c)
	}
	return nil
}

// chunk describes the rows of a tensor from first on.
func (r *run) chunk(t *task, first int64) *chunk {
	c := &chunk{task: t, first: first, rows: min(t.step, t.rows-first)}
	c.cost = c.rows * t.rowBytes
	for _, u := range t.uses {
		at := r.place(c, u)
		if r.Skip == nil || !r.Skip(at) {
			c.uses = append(c.uses, u)
			c.cost += at.Length
		}
	}
	return c
}

// begun reports whether some chunk of a tensor is passed over.
func (r *run) begun(t *task) bool {
	for row := int64(0); r.Skip != nil && row < t.rows; row += t.step {
		if len(r.chunk(t, row).uses) == 0 {
			return true
		}
	}
	return false
}

// place returns where a chunk goes.
func (r *run) place(c *chunk, u use) Range {
	info := u.choice.Info
	file := r.outputs[u.output].Plan.Files[u.choice.File]
	at := Range{
		Output: u.output, File: u.choice.File, Tensor: info.Name,
		Offset: file.TensorOffset(u.choice.index) + c.first*info.RowBytes(),
		Length: c.rows * info.RowBytes(),
	}
	if c.first+c.rows == c.task.rows {
		at.Length += file.Padding(u.choice.index)
	}
	return at
}

// fill reads a chunk as soon as there is memory for it.
func (r *run) fill(ctx context.Context, c *chunk) error {
	c.cost = min(c.cost, r.MaxMemory)
	if err := r.memory.Acquire(ctx, c.cost); err != nil {
		return context.Cause(ctx)
	}
	c.data = r.buffer(c.rows * c.task.rowBytes)
	return c.task.source.ReadRows(ctx, *c.data, c.first)
}

// read fills chunks until none is left, as far ahead as memory allows.
func (r *run) read(ctx context.Context) error {
	for c := r.next(); c != nil; c = r.next() {
		if err := r.fill(ctx, c); err != nil {
			return err
		}
		select {
		case r.chunks <- c:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// work quantizes and writes chunks.
func (r *run) work(ctx context.Context) error {
	var w worker
	for {
		c, err := r.take(ctx)
		if c == nil || err != nil {
			return err
		}
		if err := r.process(ctx, &w, c); err != nil {
			return err
		}
		r.buffers.Put(c.data)
		r.memory.Release(c.cost)
		r.finish(c)
	}
}

// take returns the next chunk, filled, and nil after the last. Where the system
// reads ahead the worker fills it, and then has it in its cache.
func (r *run) take(ctx context.Context) (*chunk, error) {
	if r.chunks == nil {
		c := r.next()
		if c == nil || ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c.task.source.Ahead(c.first+int64(aheadChunks*r.Workers)*c.task.step, c.rows*c.task.rowBytes)
		return c, r.fill(ctx, c)
	}
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case c := <-r.chunks:
		return c, nil
	}
}

// process makes each form of a chunk that some output needs once, and writes
// it to all of those.
func (r *run) process(ctx context.Context, w *worker, c *chunk) error {
	forms := groupUses(c.uses)
	if err := w.quantize(ctx, c, forms, r.buffer); err != nil {
		return err
	}
	for _, f := range forms {
		body := c.rows * f.choice.Info.RowBytes()
		for _, u := range f.uses {
			at := r.place(c, u)
			if at.Length > int64(len(*f.data)) {
				*f.data = append(*f.data, make([]byte, at.Length-int64(len(*f.data)))...)
			}
			clear((*f.data)[body:])
			if err := r.put(at, (*f.data)[:at.Length]); err != nil {
				return err
			}
		}
		if f.data != c.data {
			r.buffers.Put(f.data)
		}
	}
	return nil
}

// A form is a chunk in one type and with one set of weights.
type form struct {
	choice *Choice
	uses   []use
	data   *[]byte
}

// same reports whether two outputs want the same bytes.
func (f form) same(c *Choice) bool {
	if f.choice.rows != nil || c.rows != nil {
		return f.choice == c
	}
	if f.choice.Info.Type != c.Info.Type || (f.choice.weights == nil) != (c.weights == nil) {
		return false
	}
	return c.weights == nil || f.choice.weights.entry == c.weights.entry
}

func groupUses(uses []use) []form {
	var forms []form
	for _, u := range uses {
		i := slices.IndexFunc(forms, func(f form) bool { return f.same(u.choice) })
		if i < 0 {
			i = len(forms)
			forms = append(forms, form{choice: u.choice})
		}
		forms[i].uses = append(forms[i].uses, u)
	}
	return forms
}

// buffer returns n bytes of any content, recycled where possible.
func (r *run) buffer(n int64) *[]byte {
	const slack = 64 // for the padding
	b, ok := r.buffers.Get().(*[]byte)
	if !ok || int64(cap(*b)) < n {
		fresh := make([]byte, n, max(n+slack, chunkBytes+slack))
		return &fresh
	}
	*b = (*b)[:n]
	return b
}

// errRow names a place in a source tensor.
func (c *chunk) errRow(row int64, column int, format string, args ...any) error {
	args = append([]any{row, column}, args...)
	return fault.Op("quantize").Tensor(c.task.source.Name).Corrupt("row %d, column %d: "+format, args...)
}
