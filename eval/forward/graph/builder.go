package graph

import (
	"context"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
	"github.com/f190792d/mq/formats/ahead"
	"github.com/f190792d/mq/formats/fault"
)

// Weights gives tensors by their names in GGUF files, with {i} for the layer.
// A tensor that is absent is nil without an error; one of another shape than
// asked for is an error that names it. Shapes are written outermost dimension
// first.
type Weights interface {
	// Vector returns the numbers of a small tensor; lengths of 1 do not count.
	Vector(ctx context.Context, name string, layer int, shape ...int) ([]float32, error)
	// Matrix returns a tensor of rows × cols; [compute.AnyRows] takes any
	// number.
	Matrix(ctx context.Context, name string, layer, rows, cols int) (*compute.Matrix, error)
	// Experts returns one matrix for each expert, or for each head.
	Experts(ctx context.Context, name string, layer, experts, rows, cols int) ([]*compute.Matrix, error)
	// Integers returns n whole numbers.
	Integers(ctx context.Context, name string, layer, n int) ([]int32, error)
}

// Options says what the description does not.
type Options struct {
	Run
	Name    string         // for people
	Embed   int            // width of the residual stream
	Vocab   int            // rows of the embedding; 0: as many as it has
	Context int            // positions that the model is made for; 0: no limit
	Device  compute.Device // nil: the processor

	// ReadAhead is told where matrices lie that are used next; nil: they are not
	// fetched from far away.
	ReadAhead func(next []ahead.Stretch)

	arch.Convention // of the source

	// ReportInTurn shows observers the results of delta networks as a file has
	// them, in which key heads take turns, where the source has not.
	ReportInTurn bool
}

// builder assembles a model and keeps the first error.
type builder struct {
	ctx     context.Context // of [New]
	weights Weights
	Options
	ropes map[string]*rotary.Embedding // by what describes them
	err   error
}

func (b *builder) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) missing(name string, layer int) {
	b.keep(fault.Op("forward").File(b.Name).Tensor(arch.Fill(name, layer, 0)).Corrupt("is missing"))
}

// invalid keeps an error about the description of a layer.
func (b *builder) invalid(layer int, format string, args ...any) {
	b.keep(fault.Op("forward").File(b.Name).Corrupt("layer %d: "+format, append([]any{layer}, args...)...))
}
