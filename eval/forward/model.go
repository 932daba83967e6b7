package forward

import (
	"context"
	"os"
	"path/filepath"
	"runtime"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Model is an opened model. Its methods may be called from several goroutines
// at once, but a call uses all workers by itself.
type Model struct {
	name    string
	hyper   arch.Hyper
	source  source
	workers int
	observe Observer
	alter   Alteration
	rounded bool

	embed  *matrix
	layers []layer
	head   *connection // nil: one residual stream
	norm   norm
	output linear
	vocab  int
}

// layer is one decoder layer.
type layer struct {
	mixNorm  norm
	mix      mixer
	feedNorm norm
	feed     mlp

	mixStreams, feedStreams *connection // nil: sums
}

// source is what a model was opened from.
type source interface {
	loader
	tokenizer() (*tokenizer.Tokenizer, error)
	releaseBehind()
	Close() error
}

// Open opens a GGUF file or a checkpoint folder. Every tensor is looked up and
// its shape compared with the hyperparameters; none is read whole but the
// one-dimensional ones.
func Open(ctx context.Context, path string) (*Model, error) { return openAs(ctx, path, false) }

// OpenExpressible opens the same, and leaves out of a checkpoint what a GGUF
// file of it cannot express ([arch.Losses]): what comes out of a conversion
// is compared with this.
func OpenExpressible(ctx context.Context, path string) (*Model, error) {
	return openAs(ctx, path, true)
}

func openAs(ctx context.Context, path string, expressible bool) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.IO("forward: %w", err)
	}
	var s source
	if info.IsDir() {
		s, err = openCheckpoint(ctx, path, expressible)
	} else {
		s, err = openGGUF(ctx, path)
	}
	if err != nil {
		return nil, err
	}
	return newModel(s, filepath.Base(path))
}

// FromGGUF takes over an opened GGUF file, mapped or not. Close closes it.
func FromGGUF(ctx context.Context, file *gguf.File) (*Model, error) {
	s, err := newGGUF(ctx, file)
	if err != nil {
		file.Close()
		return nil, err
	}
	return newModel(s, filepath.Base(file.Name()))
}

func newModel(s source, name string) (*Model, error) {
	m, err := build(s)
	if err != nil {
		s.Close()
		return nil, err
	}
	m.name = name
	return m, nil
}

// Close closes the files that the model reads from.
func (m *Model) Close() error { return m.source.Close() }

// Name returns the base name of the path that was opened.
func (m *Model) Name() string { return m.name }

// Hyper returns the hyperparameters.
func (m *Model) Hyper() arch.Hyper { return m.hyper }

// Vocabulary returns the number of logits of a position.
func (m *Model) Vocabulary() int { return m.vocab }

// SetWorkers sets how many goroutines compute; n < 1 means one for each
// processor. Results do not depend on it.
func (m *Model) SetWorkers(n int) {
	if n < 1 {
		n = runtime.GOMAXPROCS(0)
	}
	m.workers = n
}

// ReleaseBehind asks the system to forget weights once they were used, for a
// model that is run once and is larger than the memory it may take. Call it
// before running.
func (m *Model) ReleaseBehind() { m.source.releaseBehind() }

// Logits runs tokens as one sequence and returns the logits of the positions
// from on: [len(tokens)-from, Vocabulary()], row by row.
func (m *Model) Logits(ctx context.Context, tokens []int32, from int) ([]float32, error) {
	logits := make([]float32, 0, max(0, len(tokens)-from)*m.vocab)
	err := m.Batch(ctx, [][]int32{tokens}, from, func(_, _ int, rows []float32) error {
		logits = append(logits, rows...)
		return nil
	})
	return logits, err
}

// Batch runs several sequences at once, each from position 0 and blind to the
// others; more tokens in a batch mean fewer decodings of each weight. It calls
// emit with the logits of the positions from on, sequence by sequence in
// pieces of whole rows; the memory is only lent.
func (m *Model) Batch(ctx context.Context, sequences [][]int32, from int,
	emit func(sequence, position int, logits []float32) error) error {
	var tokens []int32
	var spans []span
	for _, s := range sequences {
		spans = append(spans, span{first: len(tokens), tokens: len(s), state: make([]state, 1)})
		tokens = append(tokens, s...)
	}
	return m.pass(ctx, tokens, spans, from, emit)
}

// pass runs spans of tokens and emits the logits of each span's rows from on.
func (m *Model) pass(ctx context.Context, tokens []int32, spans []span, from int,
	emit func(span, row int, logits []float32) error) error {
	if len(tokens) == 0 {
		return nil
	}
	r := m.begin(ctx, spans)
	defer r.end()
	var rows []outputRow
	for i, s := range spans {
		for row := min(max(from, 0), s.tokens); row < s.tokens; row++ {
			rows = append(rows, outputRow{i, row, s.first + row})
		}
	}
	x, err := m.layersOf(r, tokens, rows)
	if err != nil {
		return err
	}
	return m.logits(r, x, rows, emit)
}

// layersOf runs tokens through all layers and returns the residual stream,
// in which rows may have moved.
func (m *Model) layersOf(r *run, tokens []int32, rows []outputRow) ([]float32, error) {
	n, width := len(tokens), m.hyper.Embed
	x := r.buffer(bufStream, n*width)
	if err := m.lookup(r, x, tokens); err != nil {
		return nil, err
	}
	r.tokens = tokens
	if m.head != nil {
		return m.streamsOf(r, x)
	}
	normed, y := r.buffer(bufNormed, n*width), r.buffer(bufMixed, n*width)
	for l, layer := range m.layers {
		if err := r.normalise(layer.mixNorm, normed, x, width); err != nil {
			return nil, err
		}
		if err := layer.mix.mix(r, l, normed, y); err != nil {
			return nil, err
		}
		if err := r.add(x, y, width); err != nil {
			return nil, err
		}
		if l == len(m.layers)-1 && r.observe == nil {
			if len(rows) == 0 {
				return nil, nil
			}
			x = r.narrow(x, rows, width)
			normed, y = normed[:len(x)], y[:len(x)]
		}
		if err := r.normalise(layer.feedNorm, normed, x, width); err != nil {
			return nil, err
		}
		if err := layer.feed.feed(r, normed, y); err != nil {
			return nil, err
		}
		if err := r.add(x, y, width); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// narrow drops the rows whose logits nobody wants. Behind the last mixer, rows
// do not see each other any more.
func (r *run) narrow(x []float32, rows []outputRow, width int) []float32 {
	tokens := make([]int32, len(rows))
	for i, row := range rows { // at rises: nothing is overwritten that is read later
		copy(x[i*width:(i+1)*width], x[row.at*width:])
		r.positions[i], tokens[i] = r.positions[row.at], r.tokens[row.at]
		rows[i].at = i
	}
	r.positions, r.tokens = r.positions[:len(rows)], tokens
	return x[:len(rows)*width]
}

// lookup copies the rows of the embedding.
func (m *Model) lookup(r *run, x []float32, tokens []int32) error {
	width := m.hyper.Embed
	return parallel(r.ctx, r.workers, len(tokens), func(worker, i int) error {
		if t := tokens[i]; t < 0 || int(t) >= m.embed.rows {
			return fault.Corrupt("forward: %s: token %d is outside the vocabulary of %d", m.name, t, m.embed.rows)
		}
		s := r.scratch[worker]
		s.raw = grow(s.raw, m.embed.lineBytes())
		row := x[i*width : (i+1)*width]
		if err := m.embed.row(r.ctx, row, int(tokens[i]), s.raw); err != nil {
			return err
		}
		s.altered(m.embed, row)
		return nil
	})
}

// logitBytes bounds the logits that are held at once.
const logitBytes = 256 << 20

// outputRow is a row of the residual stream whose logits are wanted.
type outputRow struct{ span, row, at int }

// logits computes the logits of rows, those of several spans together, and
// hands them out in pieces of one span.
func (m *Model) logits(r *run, x []float32, rows []outputRow, emit func(span, row int, logits []float32) error) error {
	width := m.hyper.Embed
	most := max(logitBytes/4/m.vocab, 1)
	for len(rows) > 0 {
		some := rows[:min(most, len(rows))]
		rows = rows[len(some):]
		normed := r.buffer(bufNormed, len(some)*width)
		err := r.rows(len(some), func(i int) {
			m.norm.apply(normed[i*width:(i+1)*width], x[some[i].at*width:][:width])
		})
		if err != nil {
			return err
		}
		logits := r.buffer(bufLogits, len(some)*m.vocab)
		if err := r.multiply(normed, len(some), m.output.to(logits)); err != nil {
			return err
		}
		for first, last := 0, 0; first < len(some); first = last {
			for last < len(some) && some[last].span == some[first].span {
				last++
			}
			if err := emit(some[first].span, some[first].row, logits[first*m.vocab:last*m.vocab]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Kernel names the instruction set that computes: "avx512", "avx2", "neon" or
// "go".
func Kernel() string { return kernel.Name() }
