package refine

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
)

// Scratch is a file that is not needed afterwards.
type Scratch interface {
	io.ReaderAt
	io.WriterAt
}

// memory is a scratch file in memory, of pieces that are read as they were
// written.
type memory map[int64][]byte

func (m memory) WriteAt(data []byte, at int64) (int, error) {
	m[at] = bytes.Clone(data)
	return len(data), nil
}

func (m memory) ReadAt(data []byte, at int64) (int, error) {
	if n := copy(data, m[at]); n < len(data) {
		return n, io.EOF
	}
	return len(data), nil
}

// The scratch file begins with two states. Then come the residual streams of
// all groups in front of a step and those after it as they come, which change
// places with every step; then what the last product of the step multiplies,
// and the stream that it is added to.

// at is where the stream of a group after some steps is, the source's or the
// file's.
func (w *walk) at(g *group, file bool, step int) int64 {
	tokens := 2 * (w.tokens()*(step%2) + g.first)
	if file {
		tokens += g.tokens
	}
	return 2*slotBytes + 4*int64(tokens)*int64(w.Source.Width())
}

// endAt is where what the last product multiplies is, columns wide, and with
// none the stream.
func (w *walk) endAt(g *group, columns int) int64 {
	at := 2*slotBytes + 16*int64(w.tokens())*int64(w.Source.Width())
	if columns == 0 {
		return at + 4*int64(g.first)*int64(w.Source.Width())
	}
	return at + 4*int64(w.tokens())*int64(w.Source.Width()) + 4*int64(g.first)*int64(columns)
}

// stream returns a stream for the caller to change; nil where models do not
// run layer by layer.
func (w *walk) stream(g *group, file bool) ([]float32, error) {
	if !w.passable {
		return nil, nil
	}
	x := make([]float32, g.tokens*w.Source.Width())
	if w.passed == 0 {
		return x, nil
	}
	return x, w.read(x, w.at(g, file, w.passed))
}

// keep takes the stream after a step.
func (w *walk) keep(g *group, file bool, x []float32) error {
	return w.write(x, w.at(g, file, w.passed+1))
}

// piece is how many numbers are read or written at once.
const piece = 1 << 18

// read fills x with what was written.
func (w *walk) read(x []float32, at int64) error {
	return w.pieces(x, func(some []float32, data []byte, first int) error {
		if _, err := w.Scratch.ReadAt(data, at+4*int64(first)); err != nil {
			return err
		}
		for i := range some {
			some[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		return nil
	})
}

func (w *walk) write(x []float32, at int64) error {
	return w.pieces(x, func(some []float32, data []byte, first int) error {
		for i, v := range some {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
		_, err := w.Scratch.WriteAt(data, at+4*int64(first))
		return err
	})
}

// pieces calls f for parts of x, with as much memory as they take in a file.
func (w *walk) pieces(x []float32, f func(some []float32, data []byte, first int) error) error {
	if w.buffer == nil {
		w.buffer = make([]byte, 4*piece)
	}
	for first := 0; first < len(x); first += piece {
		some := x[first:min(len(x), first+piece)]
		if err := f(some, w.buffer[:4*len(some)], first); err != nil {
			return err
		}
	}
	return nil
}
