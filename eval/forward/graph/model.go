package graph

import (
	"context"
	"errors"
	"strconv"

	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
	"github.com/f190792d/mq/formats/ahead"
	"github.com/f190792d/mq/formats/fault"
)

// Model is a model with its weights. Its methods may be called from several
// goroutines at once, but a call uses all workers by itself.
type Model struct {
	name   string
	limit  int // positions that it is made for; 0: no limit
	how    Run
	device compute.Device
	free   *compute.Spare[memory]

	width      int
	embed      *compute.Matrix
	embedScale float32
	embedNorm  *norm
	positions  *compute.Matrix // learned; nil: none
	byLayer    *layerEmbedding // nil: none
	types      []float32       // what the type of the tokens adds; nil: nothing
	layers     []layer
	head       *connection // nil: one residual stream
	altUp      *altUpEnds  // nil: one residual stream
	out        output

	readAhead func([]ahead.Stretch) // nil: nothing is fetched

	lastMixer int  // the last layer in which rows see each other
	shares    bool // some layers use keys of others
	full      bool // queries see positions after their own
}

// With returns the model on the same weights, but run as r says.
func (m *Model) With(r Run) *Model {
	other := *m
	if _, ok := m.device.(*compute.CPU); ok && r.Workers != m.how.Workers {
		other.device = compute.NewCPU(r.Workers)
	}
	other.how = r
	return &other
}

// Run returns how the model runs.
func (m *Model) Run() Run { return m.how }

// Name returns the name that the model was given.
func (m *Model) Name() string { return m.name }

// Vocabulary returns the number of logits of a position; 0: the model computes
// embeddings.
func (m *Model) Vocabulary() int { return m.out.vocab }

// Longest returns the number of positions that the model has learned, beyond
// which it cannot run; 0: there is no such limit.
func (m *Model) Longest() int {
	if m.positions == nil {
		return 0
	}
	return m.positions.Rows
}

// Tokens returns the number of tokens that the embedding knows.
func (m *Model) Tokens() int { return m.embed.Rows }

// Logits runs tokens as one sequence and returns the logits of the positions
// from on: [len(tokens)-from, Vocabulary()], row by row.
func (m *Model) Logits(ctx context.Context, tokens []int32, from int) ([]float32, error) {
	logits := make([]float32, 0, max(0, len(tokens)-from)*m.out.vocab)
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
	tokens, spans := m.spansOf(sequences)
	return m.pass(ctx, tokens, spans, from, m.emitting(emit))
}

// ending makes something of the residual stream that rows have left behind.
type ending func(r *run, x []float32, rows []outputRow) error

// emitting hands out logits.
func (m *Model) emitting(emit func(span, row int, logits []float32) error) ending {
	return func(r *run, x []float32, rows []outputRow) error { return m.out.logits(r, x, m.width, rows, emit) }
}

// spansOf lays sequences one after the other.
func (m *Model) spansOf(sequences [][]int32) (tokens []int32, spans []span) {
	states := 1 // for all layers, one after the other
	if m.shares {
		states = len(m.layers)
	}
	for _, s := range sequences {
		spans = append(spans, span{first: len(tokens), tokens: len(s), state: make([]state, states)})
		tokens = append(tokens, s...)
	}
	return tokens, spans
}

// begin prepares a run of spans that lie one after the other.
func (m *Model) begin(ctx context.Context, tokens []int32, spans []span) *run {
	r := &run{ctx: ctx, device: m.device, workers: m.workers(), how: m.how, memory: m.free.Take(), tokens: tokens, tables: map[*rotary.Embedding]*rotary.Table{}, ahead: m.ahead}
	r.place(spans)
	return r
}

// workers returns how many goroutines compute what the device does not.
func (m *Model) workers() int {
	if cpu, ok := m.device.(*compute.CPU); ok {
		return cpu.Workers()
	}
	return compute.NewCPU(m.how.Workers).Workers()
}

// readers is how many goroutines read here and there: more than compute where
// each waits for an answer from far away.
func (m *Model) readers() int {
	const far = 16
	if m.readAhead != nil {
		return max(far, m.workers())
	}
	return m.workers()
}

// ahead tells what is used next: some matrices, then those of a layer.
func (m *Model) ahead(layer int, first ...*compute.Matrix) {
	if m.readAhead != nil {
		m.readAhead(lies(first, m.layers, layer, m.out.w))
	}
}

// pass runs spans of tokens and ends with each span's rows from on.
func (m *Model) pass(ctx context.Context, tokens []int32, spans []span, from int, end ending) (err error) {
	defer func() {
		if errors.Is(err, compute.ErrShortened) {
			err = fault.Op("forward").File(m.name).Of(err)
		}
	}()
	if len(tokens) == 0 {
		return nil
	}
	r := m.begin(ctx, tokens, spans)
	defer m.free.Give(r.memory)
	var rows []outputRow
	for i, s := range spans {
		for row := min(max(from, 0), s.tokens); row < s.tokens; row++ {
			rows = append(rows, outputRow{i, row, s.first + row})
		}
	}
	if len(rows) > 0 && m.out.w == nil {
		return fault.Op("forward").File(m.name).Unsupported("the model computes embeddings, not logits")
	}
	x, err := m.run(r, rows)
	if err != nil || len(rows) == 0 {
		return err
	}
	return end(r, x, rows)
}

// run runs tokens through all layers and returns the residual stream, in
// which rows may have moved.
func (m *Model) run(r *run, rows []outputRow) ([]float32, error) {
	x := r.buffer(bufStream, len(r.tokens)*m.width)
	if err := m.lookup(r, x); err != nil {
		return nil, err
	}
	if m.byLayer != nil {
		if err := m.byLayer.lookup(r, x); err != nil {
			return nil, err
		}
	}
	r.ahead(0)
	if m.head != nil {
		return runStreams(r, m.layers, m.head, x)
	}
	if m.altUp != nil {
		return runAltUp(r, m.layers, m.altUp, x, m.width)
	}
	for i := range m.layers {
		between := func(x []float32) []float32 { return x }
		if i == m.lastMixer && !r.watched() {
			between = func(x []float32) []float32 { return r.keepRows(x, rows, m.width) }
		}
		var err error
		if x, err = m.layers[i].pass(r, i, x, m.width, between); err != nil || len(x) == 0 {
			return nil, err
		}
		r.passed(i, len(m.layers))
	}
	return x, nil
}

// keepRows drops the rows whose logits nobody wants. Behind the last mixer, rows
// do not see each other any more.
func (r *run) keepRows(x []float32, rows []outputRow, width int) []float32 {
	tokens := make([]int32, len(rows))
	for i, row := range rows { // at rises: nothing is overwritten that is read later
		copy(x[i*width:(i+1)*width], x[row.at*width:])
		r.positions[i], tokens[i] = r.positions[row.at], r.tokens[row.at]
		if all := len(r.byLayer) / max(len(r.tokens), 1); all > 0 {
			copy(r.byLayer[i*all:(i+1)*all], r.byLayer[row.at*all:])
		}
		rows[i].at = i
	}
	r.byLayer = r.byLayer[:len(r.byLayer)/max(len(r.tokens), 1)*len(rows)]
	r.positions, r.tokens = r.positions[:len(rows)], tokens
	return x[:len(rows)*width]
}

// lookup computes what tokens and positions put in.
func (m *Model) lookup(r *run, x []float32) error {
	width := m.width
	readers := m.readers()
	raw := make([][]byte, readers)
	learned := make([][]float32, readers)
	ctx := ahead.Scattered(r.ctx)
	return compute.Parallel(ctx, readers, len(r.tokens), func(worker, i int) (err error) {
		t := r.tokens[i]
		if t < 0 || int(t) >= m.embed.Rows {
			return fault.Op("forward").File(m.name).Corrupt("token %d is outside the vocabulary of %d", t, m.embed.Rows)
		}
		row := x[i*width : (i+1)*width]
		if raw[worker], err = m.embed.Row(ctx, row, int(t), raw[worker], r.how.Alter); err != nil {
			return err
		}
		if m.embedScale != 1 {
			for j := range row {
				row[j] *= m.embedScale
			}
		}
		for j, v := range m.types {
			row[j] += v
		}
		if m.positions != nil {
			p := r.positions[i]
			if p >= m.positions.Rows {
				return fault.Op("forward").File(m.name).Corrupt("position %d is beyond the %d that the model has learned", p, m.positions.Rows)
			}
			learned[worker] = compute.Grow(learned[worker], width)
			if raw[worker], err = m.positions.Row(ctx, learned[worker], p, raw[worker], r.how.Alter); err != nil {
				return err
			}
			for j, v := range learned[worker] {
				row[j] += v
			}
		}
		if m.embedNorm != nil {
			m.embedNorm.apply(row, row)
		}
		return nil
	})
}

// parts lists what a model is made of, in an order that does not depend on
// where it was loaded from, looked at within so many positions.
func (m *Model) parts(context int) []part {
	p := &parts{context: context}
	p.matrix("token_embd", m.embed)
	p.norm("token_embd_norm", m.embedNorm)
	p.matrix("position_embd", m.positions)
	p.vector("token_types", m.types)
	m.byLayer.parts(p)
	p.numbers("the scale of the embedding", float64(m.embedScale))
	if m.out.w != m.embed {
		p.matrix("output", m.out.w)
	}
	m.out.parts(p)
	p.connection("output_hc", m.head)
	m.altUp.parts(p)
	for i := range m.layers {
		p.prefix = "blk." + strconv.Itoa(i) + "."
		m.layers[i].parts(p)
	}
	return p.list
}
