package quantize

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"

	"github.com/f190792d/mq/formats/gguf"
)

// outline lists the tensors of the output in order, under their new names,
// with the types of the source, and returns the number of layers left.
func outline(tensors []gguf.TensorInfo, o Options) ([]Choice, int) {
	choices := make([]Choice, len(tensors))
	for i, t := range tensors {
		choices[i] = Choice{Info: t, Source: i, From: t.Type, Wanted: t.Type}
		choices[i].Info.Shape = gguf.TrimShape(t.Shape)
	}
	slices.SortStableFunc(choices, func(a, b Choice) int { return byLayer(a.Info.Name, b.Info.Name) })
	layers := 0
	if len(o.PruneLayers) > 0 {
		choices, layers = prune(choices, o.PruneLayers)
	}
	if o.KeepSplit {
		for i := range choices {
			choices[i].File = tensors[choices[i].Source].Part()
		}
		slices.SortStableFunc(choices, func(a, b Choice) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(tensors[a.Source].Offset, tensors[b.Source].Offset))
		})
	}
	return choices, layers
}

var layerPattern = regexp.MustCompile(`blk\.([0-9]+)\.`)

// prune drops the tensors of some layers, gives those of later layers lower
// numbers and returns how many layers are left. Choices are in order.
func prune(choices []Choice, layers []int) ([]Choice, int) {
	numbers := map[int]int{} // old -> new; -1 for a pruned layer
	next := 0
	kept := choices[:0]
	for _, c := range choices {
		at := layerPattern.FindStringSubmatchIndex(c.Info.Name)
		if at == nil {
			kept = append(kept, c)
			continue
		}
		layer, _ := strconv.Atoi(c.Info.Name[at[2]:at[3]])
		number, known := numbers[layer]
		if !known {
			switch {
			case slices.Contains(layers, layer):
				number = -1
			case layer < layers[0]:
				number, next = layer, layer+1
			default:
				number, next = next, next+1
			}
			numbers[layer] = number
		}
		if number >= 0 {
			c.Info.Name = c.Info.Name[:at[2]] + strconv.Itoa(number) + c.Info.Name[at[3]:]
			kept = append(kept, c)
		}
	}
	return kept, next
}
