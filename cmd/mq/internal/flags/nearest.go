package flags

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// otherNames are names of types in other tools, without punctuation.
var otherNames = map[string]string{
	"int8": "q8_0", "8bit": "q8_0", "fp8": "q8_0", "i8": "q8_0", "q8": "q8_0",
	"int4": "q4_k_m", "4bit": "q4_k_m", "fp4": "q4_k_m", "nf4": "q4_k_m", "awq": "q4_k_m", "gptq": "q4_k_m", "q4": "q4_k_m",
	"q5": "q5_k_m", "q6": "q6_k", "q3": "q3_k_m", "q2": "q2_k",
	"fp16": "f16", "float16": "f16", "half": "f16", "fp32": "f32", "float32": "f32", "float": "f32", "bfloat16": "bf16",
}

// plain leaves of a name what people agree on.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// recipeLike is the recipe that a name probably means, empty for none.
func recipeLike(name string) string {
	var known []string
	for _, r := range quantize.Recipes() {
		known = append(known, strings.ToLower(r.Name))
		for _, alias := range r.Aliases() {
			known = append(known, strings.ToLower(alias))
		}
	}
	return like(name, known)
}

// typeLike is the type of tensors that a name probably means.
func typeLike(name string) string {
	var known []string
	for _, t := range gguf.Types() {
		known = append(known, strings.ToLower(t.String()))
	}
	return like(name, known)
}

func like(name string, known []string) string {
	if other, ok := otherNames[plain(name)]; ok {
		return other
	}
	for _, k := range known {
		if plain(k) == plain(name) {
			return k
		}
	}
	return Nearest(plain(name), known, plain)
}

// Nearest returns what of the known names differs from a name by one or two
// letters and less than half of them, the first of the nearest, else the first
// that begins with the name; empty for none. Names are compared as a function
// writes them.
func Nearest(name string, known []string, as func(string) string) string {
	letters := len(strings.TrimLeft(name, "-"))
	best, least := "", min(3, (letters+1)/2)
	for _, k := range known {
		if d := levenshtein.ComputeDistance(name, as(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" && letters > 1 {
		if at := slices.IndexFunc(known, func(k string) bool { return strings.HasPrefix(as(k), name) }); at >= 0 {
			best = known[at]
		}
	}
	return best
}

// DidYouMean is a suggestion as a part of a sentence.
func DidYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "; did you mean " + name + "?"
}
