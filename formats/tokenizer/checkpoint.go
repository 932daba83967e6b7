package tokenizer

import (
	"encoding/json"
	"strconv"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// FromCheckpoint builds the tokenizer of a checkpoint, with the rules of the
// library that its files are made for. Of several files that hold a vocabulary
// the one counts that Transformers takes: tokenizer.json, or what it is put together from, before the others.
func FromCheckpoint(files Files) (*Tokenizer, error) {
	config, err := optional(files, "tokenizer_config.json")
	if err != nil {
		return nil, err
	}
	file, err := OpenJSON(files)
	if err != nil {
		return nil, err
	}
	if file != nil {
		return file.Tokenizer(config)
	}
	for _, kind := range vocabularies {
		raw, err := optional(files, kind.name)
		if err != nil {
			return nil, err
		}
		if raw != nil {
			return kind.build(raw, config)
		}
	}
	if name, _ := MistralFile(files, true); name != "" {
		raw, err := optional(files, name)
		if err != nil {
			return nil, err
		}
		if name == "tekken.json" {
			return FromTekken(raw)
		}
		return FromSentencePiece(raw)
	}
	return nil, NoVocabulary()
}

// NoVocabulary is the error for a checkpoint without a vocabulary.
func NoVocabulary() error {
	return fault.Op("tokenizer").Corrupt("the checkpoint has none of tokenizer.json, vocab.json with merges.txt, tokenizer.model (also .v1, .v3, …), tekken.json, qwen.tiktoken")
}

// vocabularies are the files that a vocabulary is looked for in, in order.
var vocabularies = []struct {
	name  string
	build func(raw, config []byte) (*Tokenizer, error)
}{
	{"qwen.tiktoken", func(raw, _ []byte) (*Tokenizer, error) { return FromTiktoken(raw, TiktokenOptions{}) }},
	{"tiktoken.model", fromKimi},
	{"rwkv_vocab_v20230424.txt", fromRWKV},
	{"tokenizer.jsonl", fromPLaMo},
	{"tokenizer.model", func(raw, _ []byte) (*Tokenizer, error) { return FromSentencePiece(raw) }},
	{"spiece.model", func(raw, _ []byte) (*Tokenizer, error) { return FromSentencePiece(raw) }},
}

// kimiSpecial is the number of special tokens after the ranks of Kimi.
const kimiSpecial = 256

// KimiSpecial returns the special tokens of tiktoken.model, of which
// added_tokens_decoder in tokenizer_config.json names some.
func KimiSpecial(ranks int, config []byte) []string {
	var named struct {
		Decoder map[string]struct {
			Content string `json:"content"`
		} `json:"added_tokens_decoder"`
	}
	_ = json.Unmarshal(config, &named) // no names without a configuration
	special := make([]string, kimiSpecial)
	for i := range special {
		number := strconv.Itoa(ranks + i)
		if special[i] = named.Decoder[number].Content; special[i] == "" {
			special[i] = "<|reserved_token_" + number + "|>"
		}
	}
	return special
}

func fromKimi(raw, config []byte) (*Tokenizer, error) {
	tokens, err := ParseTiktoken(raw)
	if err != nil {
		return nil, err
	}
	return FromTiktoken(raw, TiktokenOptions{Pattern: pattern.Kimi, Special: KimiSpecial(len(tokens), config)})
}

// RWKV and PLaMo have no library apart from their models: llama.cpp's rules are
// theirs.

func fromRWKV(raw, _ []byte) (*Tokenizer, error) {
	tokens, err := ParseRWKV(raw)
	if err != nil {
		return nil, err
	}
	return FromGGUF(gguf.KVs{{Key: key("model"), Value: "rwkv"}, {Key: key("tokens"), Value: append([]string{"<s>"}, tokens...)}})
}

func fromPLaMo(raw, _ []byte) (*Tokenizer, error) {
	rows, err := ParsePLaMo(raw)
	if err != nil {
		return nil, err
	}
	tokens, scores, types := make([]string, len(rows)), make([]float32, len(rows)), make([]int32, len(rows))
	for i, r := range rows {
		tokens[i], scores[i], types[i] = r.Text, r.Score, int32(r.Type)
	}
	return FromGGUF(gguf.KVs{{Key: key("model"), Value: "plamo2"}, {Key: key("tokens"), Value: tokens}, {Key: key("scores"), Value: scores},
		{Key: key("token_type"), Value: types}})
}
