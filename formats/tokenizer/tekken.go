package tokenizer

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/f190792d/mq/formats/fault"
)

// tekkenFile is tekken.json of Mistral: ranked tokens behind a fixed number of
// special tokens.
type tekkenFile struct {
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

	tokens  []string
	special []string
}

// oldTekkenSpecial are the special tokens of files that do not list them.
var oldTekkenSpecial = []string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
	"[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]",
	"[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"}

func parseTekken(raw []byte) (*tekkenFile, error) {
	t := &tekkenFile{}
	if err := json.Unmarshal(raw, t); err != nil {
		return nil, fault.Corrupt("tokenizer: tekken.json: %w", err)
	}
	room := t.Config.VocabSize - t.Config.NumSpecial
	if t.Config.NumSpecial < 0 || t.Config.NumSpecial > 1<<16 || room < 256 || len(t.Vocab) < room {
		return nil, fault.Corrupt("tokenizer: tekken.json: %d tokens with %d special ones do not come out of %d entries",
			t.Config.VocabSize, t.Config.NumSpecial, len(t.Vocab))
	}
	for i, v := range t.Vocab[:room] {
		if v.Rank != i || len(v.Bytes) == 0 {
			return nil, fault.Corrupt("tokenizer: tekken.json: entry %d has rank %d or no bytes", i, v.Rank)
		}
		t.tokens = append(t.tokens, string(v.Bytes))
	}
	if t.Special == nil {
		t.special = slices.Clone(oldTekkenSpecial)
	}
	for i, s := range t.Special {
		if s.Rank != i {
			return nil, fault.Corrupt("tokenizer: tekken.json: special token %d has rank %d", i, s.Rank)
		}
		t.special = append(t.special, s.Text)
	}
	if len(t.special) > t.Config.NumSpecial {
		return nil, fault.Corrupt("tokenizer: tekken.json: %d special tokens, room for %d", len(t.special), t.Config.NumSpecial)
	}
	for i := len(t.special); i < t.Config.NumSpecial; i++ {
		t.special = append(t.special, "<SPECIAL_"+strconv.Itoa(i)+">")
	}
	return t, checkRanks("tekken.json", t.tokens)
}

// role is the id of a special token by its text, or def.
func (t *tekkenFile) role(text string, def int32) int32 {
	if i := slices.Index(t.special, text); i >= 0 {
		return int32(i)
	}
	return def
}

// FromTekken builds the tokenizer of a tekken.json file, with the rules of
// the mistral-common library.
func FromTekken(raw []byte) (*Tokenizer, error) {
	f, err := parseTekken(raw)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{kind: "gpt2", pre: "tekken", addBOS: true, special: map[string]int32{}}
	for role, text := range map[string]string{"bos": "<s>", "eos": "</s>", "unk": "<unk>", "pad": "<pad>"} {
		if id := f.role(text, unknown); id != unknown {
			t.special[role] = id
		}
	}
	t.model = newRanked(f.tokens, int32(len(f.special)))
	return t.ranked(f.special, f.tokens, nil, f.Config.Pattern)
}
