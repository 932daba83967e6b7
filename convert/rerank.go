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

// reranker returns how a checkpoint ranks documents, nil where it does not.
// Rerankers look like language models but for their names.
func reranker(ckpt *hf.Checkpoint, a arch.Arch) *arch.Reranker {
	r := a.Reranker
	if r == nil {
		return nil
	}
	path, _ := ckpt.Config().StringOr("_name_or_path", "")
	readme, err := ckpt.ReadFile("README.md")
	if err != nil {
		readme = nil
	}
	readme = bytes.ToLower(readme)
	for _, name := range r.Names {
		if strings.Contains(strings.ToLower(ckpt.Name()), name) || strings.Contains(strings.ToLower(path), name) || bytes.Contains(readme, []byte("# "+name)) {
			return r
		}
	}
	return nil
}

// classifier puts the rows of the answers of the output matrix in its place,
// or before the embedding where the two are one.
func classifier(targets []target, t *tokenizer.Tokenizer, h arch.Hyper, r *arch.Reranker) ([]target, error) {
	rows := make([]int64, len(r.Answers))
	for i, word := range r.Answers {
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
		shape:   []int64{from.shape[0], int64(len(rows))},
		rows:    transform.Gather(from.rows, int64(len(rows)), func(row int64) int64 { return rows[row] }),
		sources: from.sources,
	}
	return slices.Replace(targets, at, at+replaced, cls), nil
}

// rerankKVs are the key-values of a reranker.
func rerankKVs(name string, r *arch.Reranker) (kvs gguf.KVs) {
	kvs.Set(name+".pooling_type", uint32(arch.RankPooling))
	kvs.Set(name+".classifier.output_labels", slices.Clone(r.Answers))
	kvs.Set("tokenizer.chat_template.rerank", r.Prompt)
	kvs.Set("tokenizer.chat_templates", []string{"rerank"})
	return kvs
}
