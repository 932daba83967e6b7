package arch

import (
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// table lists the architectures; each value stands in the file of its family.
var table = []Arch{
	llama, mllama, llama4, smollm3, mistral3, mistralNative, ministralNative, mistralNativeMoE, metaNative,
	mimo2, step35, glm4moe, glm4moeLite, glmDSA, bailingmoe, bailingmoe2, seedOSS, minimaxM2, dots1, ernie45, ernie45moe, hunyuanDense, hunyuanMoE,
	deepseek, deepseek2, deepseek32, deepseek4, mistral4,
	qwen, qwen2, qwen2moe, qwen3, qwen3moe, qwen3next, qwen35, qwen35moe,
	qwen2vl, qwen3vl, qwen3vlmoe,
	gemma, gemma2, gemma3, gemma3n, embeddingGemma, granite, olmo2, chatglm, glm4, phi2, phi3, phimoe,
	olmo, olmoe, granitemoe, commandR, cohere2, exaone, exaone4, arcee, stablelm, nemotron,
	gpt2, gptneox, starcoder, starcoder2, falcon, bloom, mpt, internlm2, minicpm, minicpm3,
	gptOSS, gemma4, baichuan, apertus, afmoe, exaoneMoE,
	lfm2, lfm2moe, mamba2, graniteHybrid, granite4, granite4moe, falconH1,
	bert, xlmRoberta, nomicBERT, modernBERT,
}

// All returns the architectures in the order of their names.
func All() []Arch {
	all := slices.Clone(table)
	slices.SortFunc(all, func(a, b Arch) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Classes lists the classes of config.json that the architectures serve, in the
// order of the table.
func Classes() []string {
	var classes []string
	for _, a := range table {
		for _, class := range a.Classes {
			if !a.Native && !strings.Contains(class, " ") { // else other keys than architectures say it
				classes = append(classes, class)
			}
		}
	}
	return classes
}

// ByClass finds the architecture that serves a class of config.json.
func ByClass(class string) (Arch, bool) {
	for _, a := range table {
		if slices.Contains(a.Classes, class) {
			return a, true
		}
	}
	return Arch{}, false
}

// ByName finds the architecture that a GGUF file names.
func ByName(name string) (Arch, bool) {
	for _, a := range table {
		if a.Name == name {
			return a, true
		}
	}
	return Arch{}, false
}

// Named lists the architectures of the name of a, which a alone has where it is
// a described one.
func Named(a Arch) []Arch {
	all := slices.DeleteFunc(All(), func(other Arch) bool { return other.Name != a.Name })
	if len(all) == 0 {
		return []Arch{a}
	}
	return all
}

// nearest returns the class of the table whose family's name is closest to
// that of class behind a lead, "" where more than a third of the letters
// differ.
func nearest(lead, class string) string {
	best, distance := "", len(family(class))/3+1
	for _, a := range table {
		for _, c := range a.Classes {
			d := levenshtein.ComputeDistance(family(class), family(c))
			if d < distance || d == distance && best != "" && levenshtein.ComputeDistance(class, c) < levenshtein.ComputeDistance(class, best) {
				best, distance = c, d
			}
		}
	}
	if best == "" {
		return ""
	}
	return lead + best
}

// family is the name of a class without what the model is for.
func family(class string) string {
	return strings.ToLower(purpose.ReplaceAllString(class, ""))
}

var purpose = regexp.MustCompile(`(For[A-Z]\w*|LMHead\w*|Model)$`)

// vocabularies are those of classes whose layers the table does not describe.
var vocabularies = map[string]Vocabulary{
	"LlavaForConditionalGeneration": llamaVocabulary, "VoxtralForConditionalGeneration": llamaVocabulary, "IQuestCoderForCausalLM": llamaVocabulary,

	"JambaForCausalLM": {Scored: true},
}
