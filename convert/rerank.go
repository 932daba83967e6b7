package convert

import (
	"bytes"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// poolRank is the way of pooling of models that rank documents.
const poolRank = uint32(4)

// rerankPrompt is the prompt that Qwen's rerankers were trained with.
const rerankPrompt = "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. " +
	"Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n<Instruct>: Given a web search query, retrieve relevant " +
	"passages that answer the query\n<Query>: {query}\n<Document>: {document}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"

// reranks tells whether a checkpoint is one of Qwen's rerankers, which look
// like language models but for their names.
func reranks(ckpt *hf.Checkpoint, h arch.Hyper) bool {
	if !strings.HasPrefix(h.Arch, "qwen3") {
		return false
	}
	path, _ := ckpt.Config().StringOr("_name_or_path", "")
	named := func(text string) bool {
		text = strings.ToLower(text)
		return strings.Contains(text, "qwen3-reranker") || strings.Contains(text, "qwen3-vl-reranker")
	}
	if named(ckpt.Name()) || named(path) {
		return true
	}
	readme, err := ckpt.ReadFile("README.md")
	if err != nil {
		return false
	}
	readme = bytes.ToLower(readme)
	return bytes.Contains(readme, []byte("# qwen3-reranker")) || bytes.Contains(readme, []byte("# qwen3-vl-reranker"))
}

// classifier puts the rows of "yes" and "no" of the output matrix in its
// place, or before the embedding where the two are one.
func classifier(targets []target, t *tokenizer.Tokenizer, h arch.Hyper) ([]target, error) {
	rows := make([]int64, 2)
	for i, word := range []string{"yes", "no"} {
		id, ok := t.ID(word)
		if !ok || int(id) >= h.Vocab {
			return nil, fault.Op("convert").Corrupt("the tokenizer of a reranker lacks the token %q", word)
		}
		rows[i] = int64(id)
	}
	head, replaced := "output.weight", 1
	if h.Tied {
		head, replaced = "token_embd.weight", 0
	}
	at := slices.IndexFunc(targets, func(t target) bool { return t.name == head })
	if at < 0 {
		return nil, fault.Op("convert").Corrupt("a reranker without %s", head)
	}
	from := targets[at]
	cls := target{
		name:    "cls.output.weight",
		shape:   []int64{from.shape[0], 2},
		rows:    transform.Gather(from.rows, 2, func(row int64) int64 { return rows[row] }),
		sources: from.sources,
	}
	return slices.Replace(targets, at, at+replaced, cls), nil
}

// rerankKVs are the key-values of a reranker.
func rerankKVs(kvs gguf.KVs, name string) gguf.KVs {
	kvs.Set(name+".pooling_type", poolRank)
	kvs.Set(name+".classifier.output_labels", []string{"yes", "no"})
	kvs.Set("tokenizer.chat_template.rerank", rerankPrompt)
	kvs.Set("tokenizer.chat_templates", []string{"rerank"})
	return kvs
}
