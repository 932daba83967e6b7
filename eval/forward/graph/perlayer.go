package graph

import (
	"context"
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
)

// layerEmbedding gives each layer a part of its own for every token (Gemma 3n):
// a row of a second embedding and what a projection makes of the first, added.
type layerEmbedding struct {
	width int // of one layer's part
	table *compute.Matrix
	proj  linear
	norm  *norm
}

// layerEmbedding loads what is looked up for all layers at once.
func (b *builder) layerEmbedding(d *arch.PerLayer, layers int) *layerEmbedding {
	if d == nil {
		return nil
	}
	all := layers * d.Width
	return &layerEmbedding{
		width: d.Width,
		table: padded(b.linear("per_layer_token_embd", 0, compute.AnyRows, all).w, b.Vocab),
		proj:  b.linear("per_layer_model_proj", 0, all, b.Embed),
		norm:  b.weightedNorm("per_layer_proj_norm", 0, arch.RMSNorm, d.Eps, d.Width),
	}
}

// padded gives a table rows of zeros for tokens that it does not know: they
// stand for what no text has.
func padded(table *compute.Matrix, rows int) *compute.Matrix {
	if table == nil || table.Rows >= rows {
		return table
	}
	whole := *table
	whole.Rows = rows
	whole.Fetch = func(ctx context.Context, buf []byte, first, n int) ([]byte, error) {
		known, size := min(max(table.Rows-first, 0), n), table.LineBytes()
		buf = buf[:n*size]
		clear(buf[known*size:])
		if known == 0 {
			return buf, nil
		}
		read, err := table.Fetch(ctx, buf[:known*size], first, known)
		copy(buf, read)
		return buf, err
	}
	if table.Scale != nil {
		whole.Scale = func(dst []float32, row, from int) {
			if row < table.Rows {
				table.Scale(dst, row, from)
			}
		}
	}
	return &whole
}

// lookup computes the parts of all layers from the tokens and their embedding.
func (e *layerEmbedding) lookup(r *run, x []float32) error {
	n, all := len(r.tokens), e.proj.w.Rows
	r.byLayer = r.buffer(bufByLayer, n*all)
	if err := r.multiply(x, n, e.proj.to(r.byLayer)); err != nil {
		return err
	}
	raw, own := make([][]byte, r.workers), make([][]float32, r.workers)
	inner, scale, half := float32(1/math.Sqrt(float64(len(x)/n))), float32(math.Sqrt(float64(e.width))), float32(math.Sqrt(0.5))
	return compute.Parallel(r.ctx, r.workers, n, func(worker, i int) (err error) {
		row := r.byLayer[i*all : (i+1)*all]
		own[worker] = compute.Grow(own[worker], all)
		if raw[worker], err = e.table.Row(r.ctx, own[worker], int(r.tokens[i]), raw[worker], r.how.Alter); err != nil {
			return err
		}
		for j := range row {
			row[j] *= inner
		}
		for at := 0; at < all; at += e.width {
			e.norm.apply(row[at:at+e.width], row[at:at+e.width])
		}
		for j, v := range own[worker] {
			row[j] = (row[j] + float32(v*scale)) * half
		}
		return nil
	})
}

func (e *layerEmbedding) parts(p *parts) {
	if e != nil {
		p.matrix("per_layer_token_embd", e.table)
		p.linear("per_layer_model_proj", e.proj)
		p.norm("per_layer_proj_norm", e.norm)
	}
}

// injection adds to a layer's result what its own embedding gives.
type injection struct {
	gate, proj linear
	post       *norm
	activation activation
}

// injection loads it, nil where the description has none.
func (b *builder) injection(d *arch.PerLayer, l int) *injection {
	if d == nil {
		return nil
	}
	return &injection{
		gate:       b.linear("blk.{i}.inp_gate", l, d.Width, b.Embed),
		proj:       b.linear("blk.{i}.proj", l, b.Embed, d.Width),
		post:       b.weightedNorm("blk.{i}.post_norm", l, arch.RMSNorm, d.Eps, b.Embed),
		activation: b.activation(d.Activation, 0, false, l),
	}
}

// add adds the layer's part to x.
func (a *injection) add(r *run, layer int, x []float32, width int) error {
	y, err := a.part(r, layer, x, width)
	if err != nil {
		return err
	}
	return r.add(x, y, width)
}

// part is the layer's part for x.
func (a *injection) part(r *run, layer int, x []float32, width int) ([]float32, error) {
	n, own := len(x)/width, a.gate.w.Rows
	all := len(r.byLayer) / n
	gate, y := r.buffer(bufGate, n*own), r.buffer(bufMixed, len(x))
	if err := r.multiply(x, n, a.gate.to(gate)); err != nil {
		return nil, err
	}
	err := r.perRow(n, func(i int) {
		row, part := gate[i*own:(i+1)*own], r.byLayer[i*all+layer*own:]
		a.activation.apply(row)
		for j := range row {
			row[j] *= part[j]
		}
	})
	if err != nil {
		return nil, err
	}
	if err := r.multiply(gate, n, a.proj.to(y)); err != nil {
		return nil, err
	}
	return y, r.normalize(a.post, y, y, width)
}

func (a *injection) parts(p *parts) {
	if a != nil {
		p.linear("inp_gate", a.gate)
		p.linear("proj", a.proj)
		p.norm("post_norm", a.post)
		p.activation(&a.activation)
	}
}
