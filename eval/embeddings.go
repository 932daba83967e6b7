package eval

import (
	"context"
	"math"

	"github.com/f190792d/mq/formats/fault"
)

// Embedder gives embeddings; *forward.Model is one.
type Embedder interface {
	// States runs a sequence and returns a row of Width() elements for each
	// position.
	States(ctx context.Context, tokens []int32) ([]float32, error)
	Width() int
	// Pools reports whether the model makes one embedding of the positions,
	// and Pool makes it.
	Pools() bool
	Pool(ctx context.Context, states []float32) ([]float32, error)
	Name() string
}

// Closeness tells how alike the embeddings are that two models make of one
// text.
type Closeness struct {
	Cosine        float64 `json:"cosine"`         // of the text's embedding; of models that do not pool, the mean of the positions
	MinCosine     float64 `json:"min_cosine"`     // of any position
	MaxDifference float64 `json:"max_difference"` // of an element of embeddings of length 1
	Worst         int     `json:"worst"`          // position of MinCosine
	Tokens        int     `json:"tokens"`         // positions compared
}

// CompareEmbeddings runs tokens through a source and through what was written
// from it, and compares the embeddings of the positions and that of the whole.
func CompareEmbeddings(ctx context.Context, source, written Embedder, tokens []int32) (Closeness, error) {
	width := source.Width()
	if written.Width() != width {
		return Closeness{}, fault.Op("eval").Corrupt("%s gives embeddings of %d elements, %s of %d: they cannot be compared",
			written.Name(), written.Width(), source.Name(), width)
	}
	want, err := source.States(ctx, tokens)
	if err != nil {
		return Closeness{}, err
	}
	got, err := written.States(ctx, tokens)
	if err != nil {
		return Closeness{}, err
	}
	c := Closeness{MinCosine: 1, Tokens: len(tokens)}
	for p := range tokens {
		cosine, apart := closeness(got[p*width:(p+1)*width], want[p*width:(p+1)*width])
		if !(cosine >= c.MinCosine) {
			c.MinCosine, c.Worst = cosine, p
		}
		c.Cosine += cosine / float64(len(tokens))
		c.MaxDifference = max(c.MaxDifference, apart)
	}
	if source.Pools() {
		if want, err = source.Pool(ctx, want); err != nil {
			return Closeness{}, err
		}
		if got, err = written.Pool(ctx, got); err != nil {
			return Closeness{}, err
		}
		var apart float64
		c.Cosine, apart = closeness(got, want)
		c.MaxDifference = max(c.MaxDifference, apart)
	}
	if math.IsNaN(c.Cosine + c.MinCosine) {
		return c, fault.Op("eval").File(written.Name()).Check("the model's embeddings are not finite")
	}
	return c, nil
}

// closeness returns the cosine of two vectors, and the largest difference of
// their elements once both are scaled to length 1.
func closeness(a, b []float32) (cosine, apart float64) {
	m, n := divisor(a), divisor(b)
	for i, v := range a {
		x, y := float64(v)/m, float64(b[i])/n
		cosine += x * y
		apart = max(apart, math.Abs(x-y))
	}
	return cosine, apart
}

// Unit returns a vector scaled to length 1; one of length 0 stays as it is.
func Unit(v []float32) []float32 {
	length := divisor(v)
	scaled := make([]float32, len(v))
	for i, x := range v {
		scaled[i] = float32(float64(x) / length)
	}
	return scaled
}

// divisor is the length of a vector, or 1.
func divisor(v []float32) float64 {
	if n := Length(v); n > 0 {
		return n
	}
	return 1
}

// Length returns the Euclidean length of a vector.
func Length(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}
