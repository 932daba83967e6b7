package tokenizer

import (
	"encoding/json"
	"slices"
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
	{"tokenizer.model", fromModel},
	{"spiece.model", func(raw, _ []byte) (*Tokenizer, error) { return FromSentencePiece(raw) }},
}

// kimiSpecial is the number of special tokens after the ranks of Kimi.
const kimiSpecial = 256

// KimiSpecial returns the special tokens of tiktoken.model, of which
// added_tokens_decoder in tokenizer_config.json names some.
func KimiSpecial(ranks int, config []byte) []string {
	named, special := addedNames(config), make([]string, kimiSpecial)
	for i := range special {
		if special[i] = named[ranks+i]; special[i] == "" {
			special[i] = "<|reserved_token_" + strconv.Itoa(ranks+i) + "|>"
		}
	}
	return special
}

// fromModel reads a SentencePiece model, or ranks under its name.
func fromModel(raw, config []byte) (*Tokenizer, error) {
	t, err := FromSentencePiece(raw)
	if err != nil {
		if ranks, other := FromRanks(raw, config); other == nil {
			return ranks, nil
		}
	}
	return t, err
}

// FromRanks builds the tokenizer of ranks in tokenizer.model, as Llama 3 and GLM
// 4 have them, with the tokens after them that tokenizer_config.json names.
func FromRanks(raw, config []byte) (*Tokenizer, error) {
	tokens, err := ParseTiktoken(raw)
	if err != nil {
		return nil, err
	}
	named, special := addedNames(config), []string{}
	for id := range named {
		if i := id - len(tokens); i >= 0 && i < kimiSpecial {
			special = slices.Concat(special, make([]string, max(0, i+1-len(special))))
		}
	}
	for i := range special {
		if special[i] = named[len(tokens)+i]; special[i] == "" {
			special[i] = "[PAD" + strconv.Itoa(len(tokens)+i) + "]"
		}
	}
	return FromTiktoken(raw, TiktokenOptions{Pattern: pattern.Llama3, Special: special})
}

// addedNames are the tokens of added_tokens_decoder in tokenizer_config.json.
func addedNames(config []byte) map[int]string {
	var file struct {
		Decoder map[string]struct {
			Content string `json:"content"`
		} `json:"added_tokens_decoder"`
	}
	_ = json.Unmarshal(config, &file) // no names without a configuration
	named := make(map[int]string, len(file.Decoder))
	for number, token := range file.Decoder {
		if id, err := strconv.Atoi(number); err == nil {
			named[id] = token.Content
		}
	}
	return named
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
