package pipeline

import (
	"context"
	"encoding/json"
	"math"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/refine"
	"github.com/f190792d/mq/validate"
)

// Refined returns what the provenance beside a file says of its refinement, by
// layer; nil where there is none, or it is that of another file.
func Refined(ctx context.Context, path string) ([]validate.Refined, error) {
	var p struct {
		Outputs []HashedFile
		Refined []refine.Outcome
	}
	if text, err := atomicfile.ReadFile(path+".mq.json", maxProvenance); err == nil {
		_ = json.Unmarshal(text, &p) // what is no provenance says nothing
	}
	if len(p.Refined) == 0 || len(p.Outputs) != 1 {
		return nil, nil
	}
	h, err := new(Job).hash(ctx, path)
	if err != nil || h.SHA256 != p.Outputs[0].SHA256 {
		return nil, err
	}
	return refinedLayers(p.Refined), nil
}

// maxProvenance is far more than what is written of a model.
const maxProvenance = 1 << 28

// refinedLayers adds up what refinement did to the matrices of each layer.
func refinedLayers(outcomes []refine.Outcome) []validate.Refined {
	var list []validate.Refined
	index := map[string]int{}
	for _, o := range outcomes {
		if !(o.Signal > 0) {
			continue
		}
		layer := refine.LayerOf(o.Tensor)
		if layer == "" {
			layer = o.Tensor
		}
		i, ok := index[layer]
		if !ok {
			i = len(list)
			index[layer] = i
			list = append(list, validate.Refined{Layer: layer})
		}
		l := &list[i]
		l.Matrices++
		l.Before += o.Before / o.Signal
		l.After += o.After / o.Signal
	}
	for i := range list {
		l := &list[i]
		l.Before, l.After = math.Sqrt(l.Before/float64(l.Matrices)), math.Sqrt(l.After/float64(l.Matrices))
	}
	return list
}
