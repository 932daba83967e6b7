package refine

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
)

// Scratch is a file that is not needed afterwards.
type Scratch interface {
	io.ReaderAt
	io.WriterAt
}

// streams are the residual streams of all groups in front of a step, and those
// behind it as they come, in memory or in a file.
type streams struct {
	file      Scratch // nil: memory
	now, next map[int64][]float32
	step      int64 // how many have been passed
	buffer    []byte
}

func newStreams(file Scratch) streams {
	return streams{file: file, now: map[int64][]float32{}, next: map[int64][]float32{}}
}

// at is where the stream of a group is kept, the source's or the file's.
func (w *walk) at(g *group, file bool) int64 {
	at := 2 * int64(g.first)
	if file {
		at += int64(g.tokens)
	}
	return at * int64(w.Source.Width())
}

// turn makes what was kept the streams in front of the next step.
func (w *walk) turn() {
	s := &w.streams
	s.step++
	s.now, s.next = s.next, map[int64][]float32{}
	w.ahead = false
}

// half is where the streams behind some number of steps begin in the file: what
// is in front of a step stays until those behind it are whole.
func (w *walk) half(step int64) int64 {
	return step % 2 * 2 * int64(w.tokens()) * int64(w.Source.Width())
}

// stream returns a stream for the caller to change; nil where models do not
// run layer by layer.
func (w *walk) stream(g *group, file bool) ([]float32, error) {
	if !w.passable {
		return nil, nil
	}
	s, at := &w.streams, w.at(g, file)
	if s.step > 0 && s.file == nil {
		return slices.Clone(s.now[at]), nil
	}
	x := make([]float32, g.tokens*w.Source.Width())
	if s.step == 0 {
		return x, nil
	}
	at += w.half(s.step)
	for first := 0; first < len(x); first += pieceOfStream {
		some := x[first:min(len(x), first+pieceOfStream)]
		data := s.piece(len(some))
		if _, err := s.file.ReadAt(data, 4*(at+int64(first))); err != nil {
			return nil, err
		}
		for i := range some {
			some[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	}
	return x, nil
}

// keep takes the stream behind a step, which is x from then on.
func (w *walk) keep(g *group, file bool, x []float32) error {
	s, at := &w.streams, w.at(g, file)
	if s.file == nil {
		s.next[at] = x
		return nil
	}
	at += w.half(s.step + 1)
	for first := 0; first < len(x); first += pieceOfStream {
		some := x[first:min(len(x), first+pieceOfStream)]
		data := s.piece(len(some))
		for i, v := range some {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
		if _, err := s.file.WriteAt(data, 4*(at+int64(first))); err != nil {
			return err
		}
	}
	return nil
}

// pieceOfStream is how many numbers are read or written at once.
const pieceOfStream = 1 << 18

func (s *streams) piece(n int) []byte {
	if s.buffer == nil {
		s.buffer = make([]byte, 4*pieceOfStream)
	}
	return s.buffer[:4*n]
}

// StreamBytes is what the residual streams of both models take.
func StreamBytes(width, tokens int) int64 { return 8 * int64(width) * int64(tokens) }
