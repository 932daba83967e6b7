package tokenizer

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/pyjson"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// OpenJSON reads tokenizer.json of a checkpoint; where it lacks merges, those
// of merges.txt are its own. Without tokenizer.json it puts one together from
// vocab.json, merges.txt and added_tokens.json, as Transformers does. It is nil
// where there is neither.
func OpenJSON(files Files) (*File, error) {
	raw, err := optional(files, "tokenizer.json")
	if err != nil {
		return nil, err
	}
	lines, err := optional(files, "merges.txt")
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return openSlow(files, lines)
	}
	f, err := ParseJSON(raw)
	if err == nil && lines != nil && f.Model.Type == "BPE" && f.merges.count == 0 {
		f.merges, err = mergesText(string(lines))
	}
	return f, err
}

// slowConfig is what tokenizer_config.json says about a vocabulary that is
// spread over files.
type slowConfig struct {
	Class          string                `json:"tokenizer_class"`
	AddPrefixSpace *bool                 `json:"add_prefix_space"`
	Decoder        map[string]AddedToken `json:"added_tokens_decoder"`
	Additional     []tokenName           `json:"additional_special_tokens"`
}

// slowSplits are the patterns that tokenizer classes cut text with before the
// byte alphabet; "" is GPT-2's, which the alphabet itself cuts with.
var slowSplits = map[string]string{
	"GPT2Tokenizer": "", "CodeGenTokenizer": "", "GPTNeoXTokenizer": "",
	"Qwen2Tokenizer": pattern.Qwen2,
}

// openSlow puts tokenizer.json together.
func openSlow(files Files, merges []byte) (*File, error) {
	vocab, err := optional(files, "vocab.json")
	if vocab == nil || merges == nil || err != nil {
		return nil, err
	}
	rawConfig, err := optional(files, "tokenizer_config.json")
	if err != nil {
		return nil, err
	}
	var config slowConfig
	if rawConfig != nil {
		if err := pyjson.Unmarshal(rawConfig, &config); err != nil {
			return nil, fault.Op("tokenizer").File("tokenizer_config.json").Corrupt("%w", err)
		}
	}
	class := strings.TrimSuffix(config.Class, "Fast")
	split, known := slowSplits[class]
	if !known {
		return nil, fault.Op("tokenizer").Unsupported("the vocabulary is in vocab.json and merges.txt, and how tokenizer_class %q cuts text is not known; "+
			"make tokenizer.json of them with Transformers: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)", config.Class)
	}
	f := &File{Model: Model{Type: "BPE"}, Decoder: &Step{Type: "ByteLevel"}}
	if f.merges, err = mergesText(string(merges)); err != nil {
		return nil, err
	}
	cut := Step{Type: "ByteLevel", AddPrefixSpace: config.AddPrefixSpace}
	if split != "" {
		off := false
		first := Step{Type: "Split", Behavior: "Isolated"}
		first.Pattern.Regex = &split
		cut.UseRegex = &off
		cut = Step{Type: "Sequence", PreTokenizers: []Step{first, cut}}
		f.Normalizer = &Step{Type: "NFC"}
	}
	f.PreTokenizer = &cut
	if err := f.readVocab(strings.TrimLeft(strings.TrimPrefix(string(vocab), "\uFEFF"), " \t\r\n")); err != nil {
		return nil, fault.Op("tokenizer").File("vocab.json").Corrupt("%w", err)
	}
	if err := f.slowAdded(files, rawConfig, config); err != nil {
		return nil, err
	}
	return f, f.index()
}

// slowAdded collects the added tokens: those of added_tokens.json, those that
// tokenizer_config.json describes, and special tokens of the model itself.
func (f *File) slowAdded(files Files, rawConfig []byte, config slowConfig) error {
	special, err := specialNames(rawConfig, config)
	if err != nil {
		return err
	}
	raw, err := optional(files, "added_tokens.json")
	if err != nil {
		return err
	}
	ids := map[string]int64{}
	if raw != nil {
		if err := pyjson.Unmarshal(raw, &ids); err != nil {
			return fault.Op("tokenizer").File("added_tokens.json").Corrupt("%w", err)
		}
	}
	all := map[int64]AddedToken{}
	for text, id := range ids {
		all[id] = AddedToken{ID: id, Content: text, Special: special[text]}
	}
	for number, a := range config.Decoder {
		id, err := strconv.ParseInt(number, 10, 32)
		if err != nil {
			return fault.Op("tokenizer").File("tokenizer_config.json").Corrupt("added token %q is not an id with a content", number)
		}
		a.ID = id
		all[id] = a
	}
	for text := range special {
		if id, own := f.OwnID(text); own && text != "" {
			all[int64(id)] = AddedToken{ID: int64(id), Content: text, Special: true}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		f.AddedTokens = append(f.AddedTokens, all[id])
	}
	return nil
}

// specialNames are the special tokens that tokenizer_config.json names.
func specialNames(rawConfig []byte, config slowConfig) (map[string]bool, error) {
	special := map[string]bool{}
	for _, name := range config.Additional {
		special[string(name)] = true
	}
	if rawConfig == nil {
		return special, nil
	}
	var fields map[string]json.RawMessage
	if err := pyjson.Unmarshal(rawConfig, &fields); err != nil {
		return nil, fault.Op("tokenizer").File("tokenizer_config.json").Corrupt("%w", err)
	}
	for _, role := range roleNames {
		var name tokenName
		if raw, ok := fields[role+"_token"]; ok && name.UnmarshalJSON(raw) == nil {
			special[string(name)] = true
		}
	}
	return special, nil
}
