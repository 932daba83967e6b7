package arch

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// setting gives a field of plain data a value, such as the field
// "mixer.mask.window" of a layer.
type setting struct {
	path  []string // names of fields as descriptions write them
	value formula
	base  string // before the tensors that norms name
}

// words are the values of enumerations, as descriptions name them.
var words = map[reflect.Type]map[string]uint8{
	reflect.TypeFor[NormKind]():     {"rms_norm": uint8(RMSNorm), "layer_norm": uint8(LayerNorm)},
	reflect.TypeFor[HeadNormOver](): {"none": uint8(NoHeadNorm), "each_head": uint8(EachHead), "whole_row": uint8(WholeRow), "own_weights": uint8(OwnWeights)},
	reflect.TypeFor[MaskKind]():     {"causal": uint8(Causal), "full": uint8(Full)},
	reflect.TypeFor[Gate]():         {"none": uint8(NoGate), "query": uint8(QueryGate), "element": uint8(ElementGate), "per_head": uint8(PerHeadGate)},
	reflect.TypeFor[Score]():        {"softmax": uint8(SoftmaxScore), "sigmoid": uint8(SigmoidScore), "chosen_softmax": uint8(ChosenSoftmaxScore), "sqrt_softplus": uint8(SqrtSoftplusScore)},
	reflect.TypeFor[RopeStyle]():    {"half": uint8(RopeHalf), "interleaved": uint8(RopeInterleaved)},
	reflect.TypeFor[Activation]():   activationWords(),
}

// wordOf names the value of an enumeration, by the first of its words.
func wordOf(v reflect.Value) string {
	for _, word := range slices.Sorted(maps.Keys(words[v.Type()])) {
		if uint64(words[v.Type()][word]) == v.Uint() {
			return word
		}
	}
	return ""
}

func activationWords() map[string]uint8 {
	all := map[string]uint8{}
	for name, a := range activations {
		all[name] = uint8(a)
	}
	return all
}

// apply sets the field in a value; false: the value has no such field.
func (x setting) apply(v reflect.Value, s scope) (bool, error) { return x.set(v, x.path, s) }

func (x setting) set(v reflect.Value, path []string, s scope) (bool, error) {
	if len(path) == 0 {
		return true, x.assign(v, s)
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return false, nil
		}
		return x.set(v.Elem(), path, s)
	case reflect.Slice: // of mixers or feed-forward parts that run side by side
		found := false
		for i := range v.Len() {
			one, err := x.set(v.Index(i), path, s)
			if err != nil {
				return false, err
			}
			found = found || one
		}
		return found, nil
	case reflect.Struct:
		field := v.FieldByNameFunc(func(name string) bool { return plainField(name) == path[0] })
		if field.IsValid() && field.CanSet() {
			return x.set(field, path[1:], s)
		}
	}
	return false, nil
}

// plainField writes a field's name as descriptions do: NormEps is norm_eps.
func plainField(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		follows := i > 0 && unicode.IsUpper(r) && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if follows {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// assign computes the value of a field.
func (x setting) assign(v reflect.Value, s scope) error {
	if v.Type() == reflect.TypeFor[*Norm]() {
		return x.norm(v, s)
	}
	if names, ok := words[v.Type()]; ok {
		value, err := x.value.value(func(name string) (any, bool) {
			if _, ok := names[name]; ok {
				return name, true
			}
			return s(name)
		})
		if err != nil {
			return err
		}
		n, ok := names[fmt.Sprint(value)]
		if !ok {
			return fmt.Errorf("%v is none of %s", value, strings.Join(sortedKeys(names), ", "))
		}
		v.SetUint(uint64(n))
		return nil
	}
	n, err := x.value.number(s)
	if err != nil {
		return err
	}
	whole := n == math.Trunc(n) && math.Abs(n) <= longest
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(n != 0)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(n)
	case reflect.Int:
		if !whole {
			return fmt.Errorf("%v is not a count", n)
		}
		v.SetInt(int64(n))
	case reflect.Uint32:
		if !whole || n < 0 {
			return fmt.Errorf("%v is not a count", n)
		}
		v.SetUint(uint64(n))
	case reflect.Pointer:
		if n == 0 {
			v.SetZero()
		} else if v.IsNil() {
			return fmt.Errorf("there is none that could be kept")
		}
	default:
		return fmt.Errorf("it holds several values; give one of them")
	}
	return nil
}

// norm puts a norm there with the tensor that it is called by, or none. What
// is not said of it stays as it was, or is that of an RMS norm.
func (x setting) norm(v reflect.Value, s scope) error {
	name := nameOf(x.value.tree)
	switch name {
	case "":
		return fmt.Errorf("%q: a norm is the name of its tensor, or none", x.value.text)
	case "none":
		v.SetZero()
		return nil
	}
	n := Norm{Kind: RMSNorm}
	if !v.IsNil() {
		n = *v.Interface().(*Norm)
	} else if eps, ok := s("rms_norm_eps"); ok {
		n.Eps, _ = numberOf(eps)
	}
	n.Name = x.base + name
	v.Set(reflect.ValueOf(&n))
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
