package arch

import (
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// projection is a matrix of sentence-transformers after the pooling.
type projection struct{ folder, target string }

// behindPooling are the projections that files have names for, in order.
var behindPooling = []projection{{"2_Dense", "dense_2"}, {"3_Dense", "dense_3"}}

// The keys of the lengths that a projection takes and gives.
func (p projection) in() string  { return p.target + "_feat_in" }
func (p projection) out() string { return p.target + "_feat_out" }

// projectionParams are their lengths.
func projectionParams() (all []Param) {
	for _, p := range behindPooling {
		all = append(all, whole(p.in(), p.in()), whole(p.out(), p.out()))
	}
	return all
}

// projectionTensors are the matrices, as [hf.Checkpoint] names them.
func projectionTensors() (all []Tensor) {
	for _, p := range behindPooling {
		length := func(key string) Dim { return func(h Hyper, _ int) int { return int(h.Value(key)) } }
		all = append(all, Tensor{
			Source: p.folder + ".linear.weight", Target: p.target + ".weight", Shape: []Dim{length(p.out()), length(p.in())},
			Where: func(h Hyper, _ int) bool { return h.Value(p.out()) > 0 },
		})
	}
	return all
}

// projections lists what a model has of them.
func projections(h Hyper) (all []Projection) {
	for _, p := range behindPooling {
		if rows := int(h.Value(p.out())); rows > 0 {
			all = append(all, Projection{p.target, rows})
		}
	}
	return all
}

// project reads the lengths of the projection in a folder.
func (h *Hyper) project(folder string, config hf.Config, at fault.Place) error {
	in, err := config.Int("in_features")
	if err != nil {
		return err
	}
	out, err := config.Int("out_features")
	if err != nil {
		return err
	}
	activation, _ := config.Values()["activation_function"].(string)
	switch {
	case config.Values()["bias"] != false || !strings.HasSuffix(activation, ".Identity"):
		return at.Unsupported("a matrix with a bias or the activation %q after it is not supported", activation)
	case min(in, out) < 1 || max(in, out) > longest:
		return at.Corrupt("%d by %d is not a shape", out, in)
	}
	for _, p := range behindPooling {
		if p.folder == folder {
			h.set(p.in(), float64(in))
			h.set(p.out(), float64(out))
			return nil
		}
	}
	return at.Unsupported("a matrix after the pooling in folder %q is not supported, only those of 2_Dense and 3_Dense are", folder)
}
