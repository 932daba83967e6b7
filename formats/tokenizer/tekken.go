package tokenizer

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/pyjson"
)

// Tekken is tekken.json of Mistral: ranked tokens after a fixed number of
// special tokens.
type Tekken struct {
	Config struct {
		Pattern    string `json:"pattern"`
		VocabSize  int    `json:"default_vocab_size"`
		NumSpecial int    `json:"default_num_special_tokens"`
		Version    string `json:"version"`
	} `json:"config"`
	Vocab []struct {
		Rank  int    `json:"rank"`
		Bytes []byte `json:"token_bytes"`
	} `json:"vocab"`
	Special []struct {
		Rank int    `json:"rank"`
		Text string `json:"token_str"`
	} `json:"special_tokens"`

	Tokens   []string `json:"-"` // in the order of ranks, after the special ones
	Specials []string `json:"-"`
}

// oldTekkenSpecial are the special tokens of files that do not list them.
var oldTekkenSpecial = []string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
	"[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]",
	"[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"}

// ParseTekken reads a tekken.json file.
func ParseTekken(raw []byte) (*Tekken, error) {
	f := &Tekken{}
	if bytes.Count(raw, []byte("{")) > maxRanks {
		return nil, fault.Op("tokenizer").File("tekken.json").Corrupt(" has more than %d tokens", maxRanks)
	}
	if err := pyjson.Unmarshal(raw, f); err != nil {
		return nil, fault.Op("tokenizer").File("tekken.json").Corrupt("%w", err)
	}
	room := f.Config.VocabSize - f.Config.NumSpecial
	if f.Config.NumSpecial < 0 || f.Config.NumSpecial > 1<<16 || room < 256 || len(f.Vocab) < room {
		return nil, fault.Op("tokenizer").File("tekken.json").Corrupt("%d tokens with %d special ones do not come out of %d entries",
			f.Config.VocabSize, f.Config.NumSpecial, len(f.Vocab))
	}
	for i, v := range f.Vocab[:room] {
		if v.Rank != i || len(v.Bytes) == 0 {
			return nil, fault.Op("tokenizer").File("tekken.json").Corrupt("entry %d has rank %d or no bytes", i, v.Rank)
		}
		f.Tokens = append(f.Tokens, string(v.Bytes))
	}
	if f.Special == nil {
		f.Specials = slices.Clone(oldTekkenSpecial)
	}
	for i, s := range f.Special {
		if s.Rank != i {
			return nil, fault.Op("tokenizer").File("tekken.json").Corrupt("special token %d has rank %d", i, s.Rank)
		}
		f.Specials = append(f.Specials, s.Text)
	}
	if len(f.Specials) > f.Config.NumSpecial {
		return nil, fault.Op("tokenizer").File("tekken.json").Corrupt("%d special tokens, room for %d", len(f.Specials), f.Config.NumSpecial)
	}
	for i := len(f.Specials); i < f.Config.NumSpecial; i++ {
		f.Specials = append(f.Specials, "<SPECIAL_"+strconv.Itoa(i)+">")
	}
	return f, checkRanks("tekken.json", f.Tokens)
}

// role is the id of a special token by its text, or unknown.
func (f *Tekken) role(text string) int32 {
	if i := slices.Index(f.Specials, text); i >= 0 {
		return int32(i)
	}
	return unknown
}

// FromTekken builds the tokenizer of a tekken.json file, with the rules of
// the mistral-common library.
func FromTekken(raw []byte) (*Tokenizer, error) {
	f, err := ParseTekken(raw)
	if err != nil {
		return nil, err
	}
	return f.Tokenizer()
}

// Tokenizer builds the tokenizer, with the rules of the mistral-common library.
func (f *Tekken) Tokenizer() (*Tokenizer, error) {
	t := &Tokenizer{kind: "gpt2", pre: "tekken", addBOS: true, special: map[string]int32{}}
	for role, text := range map[string]string{"bos": "<s>", "eos": "</s>", "unk": "<unk>", "pad": "<pad>"} {
		if id := f.role(text); id != unknown {
			t.special[role] = id
		}
	}
	t.model = newRanked(f.Tokens, int32(len(f.Specials)))
	return t.ranked(f.Specials, f.Tokens, nil, f.Config.Pattern)
}
