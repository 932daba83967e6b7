package quantize

import (
	"slices"

	"github.com/f190792d/mq/formats/gguf"
)

// model is what the rules need to know of the network, from its key-values.
type model struct {
	arch    string
	layers  int // all blocks, those for multi-token prediction included
	body    int // without them
	groups  int // query heads to a key-value head, in the first layer
	experts int // experts to a layer, 0 for a dense model
	is70B   bool
}

// sizes70B are the numbers of layers at which llama.cpp takes a model of the
// architecture for one of 70B parameters.
var sizes70B = map[string]int{"llama": 80, "llama-embed": 80, "qwen2": 80, "deci": 80, "olmo": 80, "jais2": 68}

func readModel(kvs gguf.KVs, overrides []KVOverride) *model {
	m := &model{}
	m.arch, _ = kvs.String("general.architecture")
	number := func(key string) int {
		key = m.arch + "." + key
		if n, ok := overriddenInt(overrides, key); ok {
			return n
		}
		n, _ := kvs.Int(key)
		return int(n)
	}
	firstOf := func(key string) (int, bool) {
		if list, ok := kvs.Ints(m.arch + "." + key); ok && len(list) > 0 {
			return int(list[0]), true
		}
		n := number(key)
		return n, n != 0 || kvs.Has(m.arch+"."+key)
	}

	m.layers = number("block_count")
	m.experts = number("expert_count")
	heads, _ := firstOf("attention.head_count")
	headsKV, ok := firstOf("attention.head_count_kv")
	if !ok {
		headsKV = heads
	}
	if headsKV > 0 {
		m.groups = heads / headsKV
	}

	m.body = m.layers - number("nextn_predict_layers")
	m.is70B = m.body > 0 && m.body == sizes70B[m.arch]
	if slices.Contains([]string{"llama", "llama-embed"}, m.arch) {
		m.is70B = m.is70B && heads != headsKV && m.experts != 8
	}
	switch m.arch { // these run more layers than they store
	case "graniteswitch":
		m.layers = m.body + 1
	case "nanbeige":
		m.layers = max(m.layers, m.body*number("num_loops"))
	}
	return m
}
