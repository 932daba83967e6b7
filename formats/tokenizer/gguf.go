package tokenizer

import (
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// family is what llama.cpp presumes for a value of tokenizer.ggml.model.
type family struct {
	special        map[string]int32
	addBOS, addEOS bool
	addSpace       bool
	build          func(*loader) error
}

var families = map[string]family{
	"llama":      {map[string]int32{"bos": 1, "eos": 2, "unk": 0}, true, false, true, (*loader).spm},
	"gpt2":       {map[string]int32{"bos": 11, "eos": 11}, false, false, false, (*loader).bpe},
	"whitespace": {map[string]int32{"bos": 11, "eos": 11}, false, false, false, (*loader).bpe},
	"gemma4":     {nil, true, false, false, (*loader).bpe},
	"bert":       {map[string]int32{"bos": 101, "unk": 100, "sep": 102, "pad": 0, "mask": 103}, true, false, false, (*loader).wordPiece},
	"t5":         {map[string]int32{"eos": 1, "unk": 2, "pad": 0}, false, true, false, (*loader).unigram},
	"rwkv":       {nil, false, false, false, (*loader).rwkv},
	"plamo2":     {map[string]int32{"bos": 1, "eos": 2, "unk": 0, "pad": 3}, false, false, false, (*loader).plamo},
}

// roles are the special tokens that GGUF files name by key.
var roles = []struct{ role, key string }{
	{"bos", "bos"}, {"eos", "eos"}, {"eot", "eot"}, {"eom", "eom"}, {"unk", "unknown"}, {"sep", "seperator"}, //nolint:misspell // the key is spelled so
	{"pad", "padding"}, {"cls", "cls"}, {"mask", "mask"},
	{"fim_pre", "fim_pre"}, {"fim_suf", "fim_suf"}, {"fim_mid", "fim_mid"}, {"fim_pad", "fim_pad"}, {"fim_rep", "fim_rep"}, {"fim_sep", "fim_sep"},
	{"fim_pre", "prefix"}, {"fim_suf", "suffix"}, {"fim_mid", "middle"},
}

// FromGGUF builds the tokenizer that a GGUF file describes, with the rules of
// llama.cpp: it gives the ids that llama.cpp gives.
func FromGGUF(kvs gguf.KVs) (*Tokenizer, error) {
	kind, ok := kvs.String(key("model"))
	if !ok {
		return nil, fault.Op("tokenizer").Key(key("model")).Corrupt(" is missing")
	}
	fam, ok := families[kind]
	if !ok {
		return nil, fault.Op("tokenizer").Unsupported("unknown vocabulary kind %q in tokenizer.ggml.model", kind)
	}
	l := &loader{&Tokenizer{kind: kind, addBOS: fam.addBOS, addEOS: fam.addEOS}, kvs, pattern.Rule{}}
	if err := l.vocabulary(); err != nil {
		return nil, err
	}
	if err := l.preTokenizer(); err != nil {
		return nil, err
	}
	l.addSpace = l.flag("add_space_prefix", fam.addSpace)
	l.roles(fam.special)
	l.addBOS = l.flag("add_bos_token", l.addBOS || l.rule.AddBOS)
	l.addEOS = l.flag("add_eos_token", l.addEOS)
	if l.rule.Characters && l.rule.Spaces && l.pre != "sarvam-moe" {
		l.addBOS = true // gemma 4 files that say otherwise are wrong
	}
	if err := fam.build(l); err != nil {
		return nil, err
	}
	l.around()
	return l.Tokenizer, nil
}

// vocabulary reads the tokens with their scores and types.
func (l *loader) vocabulary() error {
	tokens, ok := l.kvs.Strings(key("tokens"))
	if !ok {
		return fault.Op("tokenizer").Key(key("tokens")).Corrupt(" is missing or no array of strings")
	}
	var err error
	if l.vocab, err = newVocabulary(tokens); err != nil {
		return err
	}
	l.types = make([]TokenType, len(tokens))
	types, typed := l.kvs.Ints(key("token_type"))
	if typed && len(types) < len(tokens) {
		return fault.Op("tokenizer").Key(key("token_type")).Corrupt(" has %d entries for %d tokens", len(types), len(tokens))
	}
	for i := range l.types {
		l.types[i] = TypeNormal
		if typed {
			l.types[i] = TokenType(types[i])
		}
	}
	if scores, ok := l.kvs.Floats(key("scores")); ok {
		if len(scores) < len(tokens) {
			return fault.Op("tokenizer").Key(key("scores")).Corrupt(" has %d entries for %d tokens", len(scores), len(tokens))
		}
		l.scores = make([]float32, len(tokens))
		for i := range l.scores {
			l.scores[i] = float32(scores[i])
		}
	}
	return nil
}

func (l *loader) preTokenizer() error {
	l.pre, _ = l.kvs.String(key("pre"))
	switch l.kind {
	case "gemma4":
		l.pre = "gemma4"
	case "gpt2", "whitespace":
	default:
		return nil
	}
	var err error
	l.rule, err = pattern.Lookup(l.pre)
	return err
}

// roles finds the special tokens: by key, by default, by their spelling.
func (l *loader) roles(defaults map[string]int32) {
	l.special = map[string]int32{}
	for role, id := range defaults {
		if int(id) < l.vocab.size {
			l.special[role] = id
		}
	}
	if l.pre == "chatglm-bpe" || l.pre == "glm4" {
		delete(l.special, "bos")
	}
	for _, r := range roles {
		if id, ok := l.kvs.Int(key(r.key + "_token_id")); ok && id >= 0 && id < int64(l.vocab.size) {
			l.special[r.role] = int32(id)
		}
	}
	l.spelled()
}

// around computes what AddSpecial puts around a text.
func (t *Tokenizer) around() {
	put := func(list *[]int32, role string) {
		if id := t.role(role); id != unknown {
			*list = append(*list, id)
		}
	}
	switch {
	case t.kind == "bert":
		put(&t.begin, "bos")
		put(&t.end, "sep")
	case t.kind == "rwkv" || t.kind == "plamo2":
	default:
		if t.addBOS {
			put(&t.begin, "bos")
		}
		if t.addEOS {
			put(&t.end, "eos")
		}
	}
}
