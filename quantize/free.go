package quantize

import (
	"regexp"

	"github.com/f190792d/mq/formats/gguf"
)

// Free lists the tensors of the output whose type is open: those that recipes
// may quantize and for which no other option has decided. The recipe counts
// for nothing. Their type can be set with Exactly.
func Free(tensors []gguf.TensorInfo, o Options) ([]Choice, error) {
	choices, _ := outline(tensors, o)
	free := choices[:0]
	for _, c := range choices {
		if !isOpen(c, o) {
			continue
		}
		if o.Importance != nil {
			name := tensors[c.Source].Name
			w, err := o.Importance.find(name, c.Info)
			if err != nil {
				return nil, err
			}
			c.weights = w
		}
		free = append(free, c)
	}
	return free, nil
}

func isOpen(c Choice, o Options) bool {
	if o.Like != nil {
		if _, ok := o.Like.types[c.Info.Name]; ok {
			return false
		}
	}
	_, named := firstMatch(o.Overrides, c.Info.Name)
	source, known := ByID(c.From)
	r := roleOf(c.Info.Name)
	return quantizable(c.Info) && !named && known && source.Dequantize != nil && (c.From.Quantized() || isFloat(c.From)) &&
		!(r == output && (o.LeaveOutput || o.OutputType != nil)) && !(r == tokenEmbd && o.EmbedType != nil)
}

// Takes reports whether the tensor can have a type: its rows are whole blocks,
// and it has the importance weights that the type requires.
func (c Choice) Takes(t gguf.Type) bool {
	typ, ok := ByID(t)
	if !ok || typ.Quantize == nil || !t.Quantized() && !isFloat(t) || c.Info.Columns()%int64(typ.Block) != 0 {
		return false
	}
	return c.weights != nil || !(&planner{}).needsWeights(c.Info.Name, typ)
}

// Weights returns the importance of the columns in a row of the tensor, nil
// where the tensor is quantized without.
func (c Choice) Weights(row int64) []float32 {
	if c.weights == nil {
		return nil
	}
	return c.weights.of(c.weights.matrix(row))
}

// Exactly is the override for the one tensor of that name.
func Exactly(name string, t gguf.Type) Override {
	pattern := "^" + regexp.QuoteMeta(name) + "$"
	return Override{pattern, t, func(other string) bool { return other == name }}
}
