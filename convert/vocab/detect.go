package vocab

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// structure describes how tokenizer.json cuts text, one line for each step, so
// that two files that cut in the same way have the same description.
func structure(root *tokenizer.Step) string {
	var lines []string
	for _, c := range root.Steps() {
		switch {
		case c.Type == "Split" && c.Pattern.Regex != nil:
			pattern := strings.NewReplacer("\r", `\r`, "\n", `\n`, "\t", `\t`).Replace(*c.Pattern.Regex)
			kind := c.Behavior
			if kind == "Removed" && c.Invert {
				kind = "Isolated"
			}
			lines = append(lines, kind+" "+pattern)
		case c.Type == "Digits" && c.IndividualDigits:
			lines = append(lines, "digit")
		case c.Type == "ByteLevel" && yes(c.UseRegex):
			lines = append(lines, "gpt2")
		case c.Type == "ByteLevel":
		default:
			lines = append(lines, strings.TrimSpace(c.Type+" "+c.Behavior))
		}
	}
	return strings.Join(lines, "\n")
}

// structures name the ways of cutting text. Of several names with the same
// way the first whose token the vocabulary has counts; "" needs none.
var structures = map[string][]struct{ token, pre string }{
	"gpt2": {{"<|im_sep|>", "phi-2"}, {"[unused0]", "modern-bert"}, {"<|gigatoken|>", "gigachat"}, {"", "gpt-2"}},
	"digit\ngpt2": {{"<|START_OF_TURN_TOKEN|>", "command-r"}, {"<|im_start|>", "smollm"}, {"[|assistant|]", "exaone"},
		{"", "starcoder"}},
	"Isolated " + pattern.Llama3: {{"[gMASK]", "glm4"}, {"", "llama-bpe"}},
	"Isolated " + pattern.Qwen2: {{"<｜begin▁of▁sentence｜>", "deepseek-r1-qwen"}, {"<|reg_extra|>", "stablelm2"},
		{"", "qwen2"}},
	"Isolated " + pattern.Qwen35: {{"", "qwen35"}},
	"Isolated " + pattern.GPT4o:  {{"<|header_start|>", "llama4"}, {"", "gpt-4o"}},
	"Isolated " + pattern.Tekken: {{"", "tekken"}},
	"Isolated \\p{N}{1,3}\nIsolated " + pattern.KanaText + "\nIsolated " + pattern.DeepSeek:                     {{"", "deepseek-v3"}},
	"Isolated [\\r\\n]\nIsolated \\s?\\p{L}+\nIsolated \\s?\\p{P}+\nIsolated " + pattern.HangulText + "\ndigit": {{"", "deepseek-coder"}},
	"Punctuation Contiguous\ngpt2\nDigits\nIsolated [0-9][0-9][0-9]":                                            {{"", "falcon"}},
	"Isolated " + pattern.Bloom:                                     {{"", "bloom"}},
	"Isolated " + pattern.Bloom + "\ndigit":                         {{"", "viking"}},
	"Isolated " + pattern.Thousands + "\nIsolated " + pattern.GPT4o: {{"", "tiny_aya"}},
	"Isolated " + pattern.Bailing:                                   {{"", "bailingmoe"}},
	"Isolated " + pattern.SeedCoder:                                 {{"", "seed-coder"}},
	"Isolated " + pattern.ExaoneMoE:                                 {{"", "exaone-moe"}},
	"Isolated " + pattern.Jais2:                                     {{"", "jais-2"}},
	"Isolated \\p{N}{1,3}\nIsolated " + pattern.MiniCPM5:            {{"", "minicpm5"}},
	"Isolated " + pattern.Ufakzeka:                                  {{"", "ufakzeka"}},
	"Isolated [^\\n]+|[\\n]+\nIsolated " + pattern.Qwen2:            {{"", "laguna"}},
	"Whitespace": {{"", "whitespace"}},
}

// withoutIgnore are the names to use instead where ignore_merges is off.
var withoutIgnore = map[string]string{"llama-bpe": "smaug-bpe"}

// detectPre finds the value of tokenizer.ggml.pre for a tokenizer.json file,
// by how the file cuts text: by the structure of its pre-tokenizer, else by
// what it makes of a probe text. It is a fault.ErrUnsupported where no name
// that llama.cpp knows cuts the probe as the file does.
func detectPre(f *tokenizer.File) (string, error) {
	switch {
	case f.Model.Type == "WordPiece":
		return "bert-bge", nil
	case f.Model.ByteFallback && !prepends(f):
		// Merges over characters, spaces written as U+2581: as gemma 4, whose
		// own name is for its own kind of vocabulary.
		return "granite-embed-multi-311m", nil
	}
	for _, choice := range structures[structure(f.PreTokenizer)] {
		if _, ok := f.ID(choice.token); !ok && choice.token != "" {
			continue
		}
		if other, ok := withoutIgnore[choice.pre]; ok && !f.Model.IgnoreMerges {
			return other, nil
		}
		return choice.pre, nil
	}
	return behavesLike(f)
}

// preOrder is the order in which names are tried: the plain ones first.
var preOrder = []string{"gpt-2", "starcoder", "qwen2", "smaug-bpe", "llama-bpe", "qwen35", "gpt-4o", "tekken", "deepseek-v3", "deepseek-coder", "deepseek-llm"}

// behavesLike finds a name whose rule cuts the probe as the file does.
func behavesLike(f *tokenizer.File) (string, error) {
	want, mapped, err := f.Words(probe)
	if err != nil {
		return "", err
	}
	if !mapped {
		return "", unknownPre()
	}
	for _, name := range append(slices.Clone(preOrder), pattern.Names()...) {
		r, err := pattern.Lookup(name)
		if err != nil || r.Characters || r.IgnoreMerges != f.Model.IgnoreMerges && name != "default" {
			continue
		}
		split, err := r.Splitter()
		if err == nil && name != "default" && slices.Equal(split(pattern.Bounded(len(probe)), nil, probe), want) {
			return name, nil
		}
	}
	return "", unknownPre()
}

func unknownPre() error {
	return fault.Op("tokenizer").Kind(ErrPre).File("tokenizer.json").Unsupported("no pre-tokenizer of llama.cpp cuts text as this file does")
}
