package arch

import "slices"

// qwen3 drops Qwen 2's biases and normalizes every query and key head.
var qwen3 = Arch{
	Name:     "qwen3",
	Scaled:   true,
	Reranker: qwenReranker,
	Classes:  []string{"Qwen3ForCausalLM", "Qwen3Model"},
	Defaults: map[string]Defaults{"": {Keys: qwen2Keys.and(Keys{"head_dim": 128}), windows: fromLayer}},
	Tensors:  slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), headNorms, mlp("mlp", "", ff)),
	Ignore:   []string{inverseFrequencies},
	Params:   []Param{poolingType},
	Graph:    Graph{Layer: decoder(normedHeads)},
	Source:   Convention{Rope: RopeHalf},
	File:     Convention{Rope: RopeHalf},
}

// qwen3moe replaces the feed-forward network by routed experts.
var qwen3moe = Arch{
	Name:     "qwen3moe",
	Scaled:   true,
	Reranker: qwenReranker,
	Classes:  []string{"Qwen3MoeForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: qwen2Keys.and(Keys{
		"num_key_value_heads": 4, "moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8, "norm_topk_prob": false,
	}), windows: whereUsed}},
	Params: qwenMoEParams,
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), headNorms,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), perExpert, fusedExperts),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Router: Router{Score: SoftmaxScore, Normalize: true}, Layer: decoder(normedHeads)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,
}

// qwenReranker is trained to say whether a document answers a query.
var qwenReranker = &Reranker{
	Names:   []string{"qwen3-reranker", "qwen3-vl-reranker"},
	Answers: []string{"yes", "no"},
	Prompt: "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. " +
		"Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n<Instruct>: Given a web search query, retrieve relevant " +
		"passages that answer the query\n<Query>: {query}\n<Document>: {document}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
}
