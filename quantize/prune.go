package quantize

import (
	"regexp"
	"slices"
	"strconv"
)

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
