package graph

import (
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
)

// drawn gives random tensors of whatever shape is asked for, always the same
// for a name. Tensors that a model may lack are there where with names them.
type drawn struct {
	with   []string
	lacks  []string
	values map[string][]float32
	cols   map[string]int
}

// optional ends the names of tensors that a model may lack.
var optional = []string{".bias", "attn_qkv.weight", "ffn_gate_up_exps.weight", "output.weight", "attn_norm_2.weight"}

// needed ends the names of those among them that are always there.
var needed = []string{"attn_output.weight", "cls.output.weight", "ssm_dt.bias"}

func (d *drawn) has(name string) bool {
	ends := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
	if slices.ContainsFunc(d.lacks, ends) {
		return false
	}
	return !slices.ContainsFunc(optional, ends) || slices.ContainsFunc(needed, ends) || slices.ContainsFunc(d.with, ends)
}

func (d *drawn) tensor(name string, layer, cols int, shape ...int) []float32 {
	name = arch.Fill(name, layer, 0)
	if !d.has(name) {
		return nil
	}
	if d.values == nil {
		d.values, d.cols = map[string][]float32{}, map[string]int{}
	}
	if v, ok := d.values[name]; ok {
		return slices.Clone(v)
	}
	n := 1
	for _, length := range shape {
		if length == compute.AnyRows {
			length = 9
		}
		n *= length
	}
	seed := fnv.New64a()
	seed.Write([]byte(name))
	random, v := rand.New(rand.NewPCG(seed.Sum64(), 1)), make([]float32, n)
	for i := range v {
		v[i] = float32(random.NormFloat64()) * 0.4
		if strings.Contains(name, "norm.weight") {
			v[i] += 1
		}
		if strings.HasSuffix(name, "ssm_a") {
			v[i] = -float32(math.Exp(random.NormFloat64()))
		}
	}
	d.values[name], d.cols[name] = v, cols
	return slices.Clone(v)
}

func (d *drawn) Vector(_ context.Context, name string, layer int, shape ...int) ([]float32, error) {
	return d.tensor(name, layer, shape[len(shape)-1], shape...), nil
}

func (d *drawn) Matrix(_ context.Context, name string, layer, rows, cols int) (*compute.Matrix, error) {
	v := d.tensor(name, layer, cols, rows, cols)
	if v == nil {
		return nil, nil
	}
	return stored(arch.Fill(name, layer, 0), v, len(v)/cols, cols), nil
}

func (d *drawn) Experts(_ context.Context, name string, layer, experts, rows, cols int) ([]*compute.Matrix, error) {
	v := d.tensor(name, layer, cols, experts, rows, cols)
	var list []*compute.Matrix
	for e := range len(v) / (rows * cols) {
		m := stored(arch.Fill(name, layer, 0), v[e*rows*cols:][:rows*cols], rows, cols)
		m.Expert, m.Experts = e, experts
		list = append(list, m)
	}
	return list, nil
}

func (d *drawn) Integers(_ context.Context, _ string, layer, n int) ([]int32, error) {
	v := make([]int32, n)
	for i := range v {
		v[i] = int32((i*7 + layer) % 4)
	}
	return v, nil
}

// stored is a matrix of numbers in memory.
func stored(name string, v []float32, rows, cols int) *compute.Matrix {
	return &compute.Matrix{Weight: compute.Weight{Name: name}, Rows: rows, Cols: cols, Line: cols,
		Encoding: compute.Encoding{Block: 1, Bytes: 4, Decode: func(dst []float32, src []byte) {
			for i := range dst {
				dst[i] = math.Float32frombits(uint32(src[4*i]) | uint32(src[4*i+1])<<8 | uint32(src[4*i+2])<<16 | uint32(src[4*i+3])<<24)
			}
		}},
		Fetch: func(_ context.Context, buf []byte, first, n int) ([]byte, error) {
			for i, x := range v[first*cols : (first+n)*cols] {
				b := math.Float32bits(x)
				buf[4*i], buf[4*i+1], buf[4*i+2], buf[4*i+3] = byte(b), byte(b>>8), byte(b>>16), byte(b>>24)
			}
			return buf[:4*n*cols], nil
		},
	}
}

// row and rows are numbers of a plain computation in float64.
type (
	row  = []float64
	rows = []row
)

// get returns the numbers of a tensor that the model has taken.
func (d *drawn) get(name string) row {
	v, ok := d.values[name]
	if !ok {
		panic("the model did not take " + name)
	}
	wide := make(row, len(v))
	for i, x := range v {
		wide[i] = float64(x)
	}
	return wide
}

// mat returns them row by row.
func (d *drawn) mat(name string) rows { return cut(d.get(name), d.cols[arch.Fill(name, 0, 0)]) }

// cut cuts numbers into rows.
func cut(v row, cols int) rows {
	var all rows
	for len(v) > 0 {
		all, v = append(all, v[:cols]), v[cols:]
	}
	return all
}

func times(m rows, x row) row {
	y := make(row, len(m))
	for i, r := range m {
		for j, v := range x {
			y[i] += r[j] * v
		}
	}
	return y
}

func each(x row, f func(i int, v float64) float64) row {
	y := make(row, len(x))
	for i, v := range x {
		y[i] = f(i, v)
	}
	return y
}

func plus(a, b row) row { return each(a, func(i int, v float64) float64 { return v + b[i] }) }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func rmsNorm(x, w row, eps float64) row {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return each(x, func(i int, v float64) float64 { return v / math.Sqrt(sum/float64(len(x))+eps) * w[i%len(w)] })
}

func layerNormed(x, w, b row, eps float64) row {
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / float64(len(x))
	}
	return each(x, func(i int, v float64) float64 {
		y := (v - mean) / math.Sqrt(square+eps)
		if w != nil {
			y *= w[i]
		}
		if b != nil {
			y += b[i]
		}
		return y
	})
}

// The sizes of the models that are tested.
const (
	width = 8
	vocab = 9
	eps   = 1e-3
)

var prompt = []int32{3, 1, 4, 1, 5, 8, 2}

var ones = row{1}

// built builds a model of drawn weights.
func built(t *testing.T, d *drawn, m arch.Model, o Options) *Model {
	t.Helper()
	o.Name, o.Embed, o.Vocab = "drawn", width, vocab
	model, err := New(t.Context(), m, d, o)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// embedded returns the embeddings of the prompt.
func (d *drawn) embedded() rows {
	var x rows
	for _, token := range prompt {
		x = append(x, d.mat("token_embd.weight")[token])
	}
	return x
}

// same compares the logits of a model, in one pass and token by token, with
// those of a stream that was computed plainly; the output matrix is the
// embedding.
func same(t *testing.T, d *drawn, m *Model, stream func() rows) {
	t.Helper()
	got, err := m.Logits(t.Context(), prompt, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := stream()
	worst, size := 0.0, 0.0
	for i, x := range want {
		for j, v := range times(d.mat("token_embd.weight"), x) {
			worst, size = max(worst, math.Abs(float64(got[i*vocab+j])-v)), max(size, math.Abs(v))
		}
	}
	if !(worst <= 2e-5*size) {
		t.Errorf("logits differ by %.2g of their size from the plain formula", worst/size)
	}
	if m.full {
		return
	}
	session := m.NewSession()
	for i, token := range prompt {
		logits, err := session.Append(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(logits, got[i*vocab:(i+1)*vocab]) {
			t.Fatalf("token %d of a session has other logits than in one pass", i)
		}
	}
}

// of applies f to each row.
func of(x rows, f func(x row) row) rows {
	var y rows
	for _, r := range x {
		y = append(y, f(r))
	}
	return y
}

// sums adds rows one by one.
func sums(a, b rows) rows {
	var y rows
	for i := range a {
		y = append(y, plus(a[i], b[i]))
	}
	return y
}
