package arch

import (
	"slices"
	"strconv"
	"strings"
)

// mllama serves the text part of Llama 3.2 Vision: Llama's decoder once the
// layers that look at pictures, which text passes by, are taken out of it.
// The embedding ends in rows for the places of pictures.
var mllama = Arch{
	Name:    llama.Name,
	Classes: []string{"MllamaForConditionalGeneration"},
	Strip:   []string{"language_model."},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 5e5, "num_key_value_heads": 8,
		"cross_attention_layers": []int{3, 8, 13, 18, 23, 28, 33, 38},
	}, StatesHead: true}},
	Params: llamaParams,
	Tensors: slices.Concat([]Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{pictureVocab, embed}, Ops: slice(zero, vocab)},
	}, trunk[1:], attention(permuted), mlp("mlp", "", ff)),
	Ignore: append([]string{inverseFrequencies, pictureLayer + "*"}, otherModalities...),
	Extra:  llamaExtra,
	Graph:  llama.Graph,
	Source: llama.Source,
	File:   llama.File,
	Views: []View{{Matrix: "token_embd.weight", Source: "model.embed_tokens.weight", Rows: func(h Hyper, _ int) []RowSet {
		return []RowSet{{h.Vocab + pictureTokens, 0, h.Vocab}}
	}}},
}

// pictureTokens are the rows of the embedding after the vocabulary.
const pictureTokens = 8

func pictureVocab(h Hyper, _ int) int { return h.Vocab + pictureTokens }

// pictureLayer begins the names of tensors in layers that look at pictures.
const pictureLayer = "pictures."

// textLayer counts layers without those that look at pictures.
func textLayer(name string, pictures []int) string {
	rest, ok := strings.CutPrefix(name, "model.layers.")
	if !ok || len(pictures) == 0 {
		return name
	}
	number, after, _ := strings.Cut(rest, ".")
	layer, err := strconv.Atoi(number)
	if err != nil {
		return name
	}
	at, found := slices.BinarySearch(pictures, layer)
	if found {
		return pictureLayer + name
	}
	return "model.layers." + strconv.Itoa(layer-at) + "." + after
}

// pictures reads which layers look at pictures, in order and each once.
func (c *reader) pictures(layers int) []int {
	list := c.ints("cross_attention_layers")
	slices.Sort(list)
	list = slices.Compact(list)
	if n := len(list); n > 0 && (list[n-1] >= layers || n >= layers) {
		c.keep(c.place("cross_attention_layers").Corrupt(" names layers beyond the %d of the model, or all of them", layers))
		return nil
	}
	return list
}
