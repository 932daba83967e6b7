package quantize

import (
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// A Recipe names a way to quantize a whole file: the type that most tensors
// get, and the rules by which some get another. Names and numbers are those of
// llama-quantize; the number is stored in the file as general.file_type.
type Recipe struct {
	Name     string
	FileType uint32
	Default  gguf.Type // the type of every tensor that no rule names

	output gguf.Type // of output.weight, and of token_embd.weight where it serves as output
	alone  bool      // its rules stand without the common ones: 1 and 2 bits, experts only
	wants  bool      // its default type wants importance weights, as in no other recipe
	copies bool      // keeps every tensor as it is
	alias  string
}

// Copy reports whether the recipe keeps every tensor in its type.
func (r Recipe) Copy() bool { return r.copies }

// recipes is in the order of quality: from few bits to many.
var recipes = []Recipe{
	{Name: "Q1_0", FileType: 40, Default: gguf.TypeQ1_0, output: gguf.TypeQ6_K},
	{Name: "IQ1_S", FileType: 24, Default: gguf.TypeIQ1_S, output: gguf.TypeQ5_K, alone: true},
	{Name: "TQ1_0", FileType: 36, Default: gguf.TypeTQ1_0, output: gguf.TypeQ6_K},
	{Name: "IQ1_M", FileType: 31, Default: gguf.TypeIQ1_M, output: gguf.TypeQ5_K, alone: true},
	{Name: "IQ2_XXS", FileType: 19, Default: gguf.TypeIQ2_XXS, output: gguf.TypeQ5_K, alone: true},
	{Name: "TQ2_0", FileType: 37, Default: gguf.TypeTQ2_0, output: gguf.TypeQ6_K},
	{Name: "Q2_0", FileType: 41, Default: gguf.TypeQ2_0, output: gguf.TypeQ6_K},
	{Name: "IQ2_XS", FileType: 20, Default: gguf.TypeIQ2_XS, output: gguf.TypeQ5_K, alone: true},
	{Name: "IQ2_S", FileType: 28, Default: gguf.TypeIQ2_XS, output: gguf.TypeQ5_K, alone: true},
	{Name: "IQ2_M", FileType: 29, Default: gguf.TypeIQ2_S, output: gguf.TypeQ5_K, alone: true},
	{Name: "Q2_K_S", FileType: 21, Default: gguf.TypeQ2_K, output: gguf.TypeQ6_K, wants: true},
	{Name: "Q2_K", FileType: 10, Default: gguf.TypeQ2_K, output: gguf.TypeQ6_K},
	{Name: "IQ3_XXS", FileType: 23, Default: gguf.TypeIQ3_XXS, output: gguf.TypeQ5_K},
	{Name: "IQ3_XS", FileType: 22, Default: gguf.TypeIQ3_S, output: gguf.TypeQ6_K},
	{Name: "IQ3_S", FileType: 26, Default: gguf.TypeIQ3_S, output: gguf.TypeQ6_K},
	{Name: "Q3_K_S", FileType: 11, Default: gguf.TypeQ3_K, output: gguf.TypeQ6_K},
	{Name: "IQ3_M", FileType: 27, Default: gguf.TypeIQ3_S, output: gguf.TypeQ6_K},
	{Name: "Q3_K_M", FileType: 12, Default: gguf.TypeQ3_K, output: gguf.TypeQ6_K, alias: "Q3_K"},
	{Name: "Q3_K_L", FileType: 13, Default: gguf.TypeQ3_K, output: gguf.TypeQ6_K},
	{Name: "IQ4_XS", FileType: 30, Default: gguf.TypeIQ4_XS, output: gguf.TypeQ6_K},
	{Name: "MXFP4_MOE", FileType: 38, Default: gguf.TypeMXFP4, output: gguf.TypeQ8_0, alone: true},
	{Name: "IQ4_NL", FileType: 25, Default: gguf.TypeIQ4_NL, output: gguf.TypeQ6_K},
	{Name: "Q4_0", FileType: 2, Default: gguf.TypeQ4_0, output: gguf.TypeQ6_K},
	{Name: "Q4_K_S", FileType: 14, Default: gguf.TypeQ4_K, output: gguf.TypeQ6_K},
	{Name: "Q4_K_M", FileType: 15, Default: gguf.TypeQ4_K, output: gguf.TypeQ6_K, alias: "Q4_K"},
	{Name: "Q4_1", FileType: 3, Default: gguf.TypeQ4_1, output: gguf.TypeQ6_K},
	{Name: "Q5_0", FileType: 8, Default: gguf.TypeQ5_0, output: gguf.TypeQ6_K},
	{Name: "Q5_K_S", FileType: 16, Default: gguf.TypeQ5_K, output: gguf.TypeQ6_K},
	{Name: "Q5_K_M", FileType: 17, Default: gguf.TypeQ5_K, output: gguf.TypeQ6_K, alias: "Q5_K"},
	{Name: "Q5_1", FileType: 9, Default: gguf.TypeQ5_1, output: gguf.TypeQ6_K},
	{Name: "Q6_K", FileType: 18, Default: gguf.TypeQ6_K, output: gguf.TypeQ6_K},
	{Name: "Q8_0", FileType: 7, Default: gguf.TypeQ8_0, output: gguf.TypeQ8_0},
	{Name: "BF16", FileType: 32, Default: gguf.TypeBF16},
	{Name: "F16", FileType: 1, Default: gguf.TypeF16},
	{Name: "F32", FileType: 0, Default: gguf.TypeF32},
	{Name: "COPY", copies: true},
}

// Recipes returns every recipe, from few bits to many.
func Recipes() []Recipe { return slices.Clone(recipes) }

// Aliases returns the other names of the recipe.
func (r Recipe) Aliases() []string {
	if r.alias == "" {
		return nil
	}
	return []string{r.alias}
}

// ParseRecipe finds a recipe by name or alias, in any case, or by its number.
// An unknown name is [fault.ErrUnsupported].
func ParseRecipe(name string) (Recipe, error) {
	number, err := strconv.ParseUint(name, 10, 32)
	for _, r := range recipes {
		byNumber := err == nil && !r.copies && uint64(r.FileType) == number
		if byNumber || strings.EqualFold(r.Name, name) || r.alias != "" && strings.EqualFold(r.alias, name) {
			return r, nil
		}
	}
	names := make([]string, len(recipes))
	for i, r := range recipes {
		names[i] = r.Name
	}
	return Recipe{}, fault.Op("quantize").Unsupported("no recipe is named %q; there are %s", name, strings.Join(names, " "))
}
