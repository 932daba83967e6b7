package gguf

import (
	"fmt"
	"io"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// Writer writes a planned file as a stream: the header, then each tensor in
// the order of the plan. It holds no data back. Tensors without elements are
// skipped.
type Writer struct {
	w    io.Writer
	plan *Plan
	next int   // the tensor whose data are due
	left int64 // bytes of it that are still due
	err  error
}

// NewWriter writes the header of plan to w and returns a Writer for the data.
func NewWriter(w io.Writer, plan *Plan) (*Writer, error) {
	if _, err := w.Write(plan.header); err != nil {
		return nil, fmt.Errorf("gguf: cannot write the header: %w", err)
	}
	wr := &Writer{w: w, plan: plan}
	wr.begin()
	return wr, nil
}

// begin goes to the next tensor that has data.
func (w *Writer) begin() {
	for w.left = 0; w.next < len(w.plan.Tensors); w.next++ {
		if w.left = w.plan.Tensors[w.next].Size(); w.left > 0 {
			return
		}
	}
}

// Current returns the tensor whose data are due, and false after the last.
func (w *Writer) Current() (TensorInfo, bool) {
	if w.next == len(w.plan.Tensors) {
		return TensorInfo{}, false
	}
	return w.plan.Tensors[w.next], true
}

// Write writes data of the current tensor, in pieces of any length, and goes
// on to the next tensor when this one is complete. One call may not span two
// tensors.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil || len(p) == 0 {
		return 0, w.err
	}
	t, ok := w.Current()
	switch {
	case !ok:
		return 0, fault.Op("gguf").Invalid("%d bytes are written after the last tensor", len(p))
	case int64(len(p)) > w.left:
		return 0, fault.Op("gguf").Tensor(t.Name).Invalid("%d bytes written, %d remaining", len(p), w.left)
	}
	n, err := w.w.Write(p)
	if w.left -= int64(n); err == nil && w.left == 0 {
		_, err = w.w.Write(make([]byte, w.plan.Padding(w.next)))
		w.next++
		w.begin()
	}
	if err != nil {
		w.err = fmt.Errorf("gguf: tensor %q: cannot write: %w", t.Name, err)
	}
	return n, w.err
}

// WriteTensor writes the tensor of the given name, whose turn it must be,
// from r to its end.
func (w *Writer) WriteTensor(name string, r io.Reader) error {
	t, _ := w.Current()
	if t.Name != name || w.left != t.Size() {
		if w.isEmpty(name) {
			return nil
		}
		return fault.Op("gguf").Tensor(name).Invalid("expected tensor %q next", t.Name)
	}
	n, err := io.Copy(struct{ io.Writer }{w}, io.LimitReader(r, t.Size()))
	if err == nil && n != t.Size() {
		err = fault.Op("gguf").Tensor(name).Corrupt("its data end after %d of %d bytes", n, t.Size())
	}
	return err
}

func (w *Writer) isEmpty(name string) bool {
	return slices.ContainsFunc(w.plan.Tensors, func(t TensorInfo) bool { return t.Name == name && t.Size() == 0 })
}

// Close checks that all tensors were written. It does not close the
// underlying writer.
func (w *Writer) Close() error {
	if t, ok := w.Current(); w.err == nil && ok {
		return fault.Op("gguf").Tensor(t.Name).Invalid("%d of its %d bytes were not written", w.left, t.Size())
	}
	return w.err
}

// WriteFrame writes all but the data to w: the header and the zeros after
// each tensor. Together with the writers of TensorWriter it makes a file in
// any order.
func (p *Plan) WriteFrame(w io.WriterAt) error {
	if _, err := w.WriteAt(p.header, 0); err != nil {
		return fmt.Errorf("gguf: cannot write the header: %w", err)
	}
	for i, t := range p.Tensors {
		if n := p.Padding(i); n > 0 {
			if _, err := w.WriteAt(make([]byte, n), p.TensorOffset(i)+t.Size()); err != nil {
				return fmt.Errorf("gguf: tensor %q: cannot write: %w", t.Name, err)
			}
		}
	}
	return nil
}

// TensorWriter returns a writer for the data of tensor i, whose offset 0 is
// the first byte of the tensor. It refuses bytes outside the tensor, and may
// be used from several goroutines where w may.
func (p *Plan) TensorWriter(w io.WriterAt, i int) io.WriterAt {
	return window{w, p.Tensors[i], p.TensorOffset(i)}
}

// window is the part of a file that belongs to one tensor.
type window struct {
	w      io.WriterAt
	tensor TensorInfo
	base   int64
}

func (w window) WriteAt(p []byte, off int64) (int, error) {
	if size := w.tensor.Size(); off < 0 || int64(len(p)) > size-off {
		return 0, fault.Op("gguf").Tensor(w.tensor.Name).Invalid("%d bytes at offset %d pass its %d bytes", len(p), off, size)
	}
	n, err := w.w.WriteAt(p, w.base+off)
	if err != nil {
		err = fmt.Errorf("gguf: tensor %q: cannot write: %w", w.tensor.Name, err)
	}
	return n, err
}
