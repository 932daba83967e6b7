package export

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/vocab"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// object is one of JSON whose keys have no order.
type object map[string]any

// split cuts text where a pattern matches, level spells bytes as letters.
func split(regex string) object {
	return object{"type": "Split", "pattern": object{"Regex": regex}, "behavior": "Isolated", "invert": false}
}

func level(cuts bool) object {
	return object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": cuts}
}

// cutters are the steps of tokenizer.json that cut text as names of
// tokenizer.ggml.pre do.
var cutters = []struct {
	names []string
	steps []object
}{
	{[]string{"gpt-2", "phi-2", "gigachat", "modern-bert", "olmo", "mpt", "exaone4"}, []object{level(true)}},
	{[]string{"starcoder", "refact", "command-r", "smollm", "exaone"}, []object{{"type": "Digits", "individual_digits": true}, level(true)}},
	{[]string{"llama-bpe", "llama3", "llama-v3", "smaug-bpe", "glm4"}, []object{split(pattern.Llama3), level(false)}},
	{[]string{"qwen2", "deepseek-r1-qwen", "stablelm2"}, []object{split(pattern.Qwen2), level(false)}},
	{[]string{"qwen35"}, []object{split(pattern.Qwen35), level(false)}},
	{[]string{"gpt-4o", "llama4"}, []object{split(pattern.GPT4o), level(false)}},
	{[]string{"tekken"}, []object{split(pattern.Tekken), level(false)}},
	{[]string{"deepseek-v3"}, []object{split(`\p{N}{1,3}`), split(pattern.KanaText), split(pattern.DeepSeek), level(false)}},
}

// cutter is the index of the steps for a name, -1 for none.
func cutter(pre string) int {
	for i, c := range cutters {
		if slices.Contains(c.names, pre) {
			return i
		}
	}
	return -1
}

// tokenizerOf makes the files of a tokenizer, and says what of it is not
// written. They are read again: the vocabulary that a conversion finds in them
// has to be the file's.
func tokenizerOf(ctx context.Context, kvs gguf.KVs, config []byte) (files map[string][]byte, note string) {
	kind, _ := kvs.String("tokenizer.ggml.model")
	pre, _ := kvs.String("tokenizer.ggml.pre")
	own := `; put the source's own tokenizer files into the folder`
	switch {
	case kind == "":
		return nil, ""
	case kind != "gpt2":
		return nil, "the tokenizer is not written: of vocabularies of kind \"" + kind + "\" no exact tokenizer.json is made" + own
	case cutter(pre) < 0:
		return nil, "the tokenizer is not written: no tokenizer.json is known to cut text as pre-tokenizer \"" + pre + "\" does" + own
	}
	t, err := tokenizer.FromGGUF(kvs)
	if err != nil {
		return nil, "the tokenizer is not written: " + err.Error()
	}
	files = tokenizerFiles(kvs, t)
	again := memory{"config.json": config}
	for name, data := range files {
		again[name] = data
	}
	back, err := vocab.Read(ctx, again, vocab.Options{Rows: t.Size(), Rules: arch.Vocabulary{}})
	if err != nil || !sameVocabulary(kvs, back.KVs, t, back.Tokenizer) {
		return nil, "the tokenizer is not written: tokenizer.json would not give the ids that the file gives" + own
	}
	return files, ""
}

// sameVocabulary reports whether two vocabularies give the same ids.
func sameVocabulary(a, b gguf.KVs, ta, tb *tokenizer.Tokenizer) bool {
	for _, key := range []string{"tokenizer.ggml.tokens", "tokenizer.ggml.merges"} {
		x, _ := a.Strings(key)
		y, _ := b.Strings(key)
		if !slices.Equal(x, y) {
			return false
		}
	}
	return cutter(ta.Pre()) == cutter(tb.Pre()) && ta.AddsBOS() == tb.AddsBOS() && ta.AddsEOS() == tb.AddsEOS()
}

// tokenizerFiles are tokenizer.json, its configuration and the chat template.
func tokenizerFiles(kvs gguf.KVs, t *tokenizer.Tokenizer) map[string][]byte {
	own, added := object{}, []object{}
	for id := range int32(t.Size()) {
		text, _, kind := t.Token(id)
		switch kind {
		case tokenizer.TypeUnused:
			continue
		case tokenizer.TypeControl, tokenizer.TypeUserDefined:
			added = append(added, object{"id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": kind == tokenizer.TypeControl})
		}
		own[text] = id
	}
	merges, _ := kvs.Strings("tokenizer.ggml.merges")
	rule, _ := pattern.Lookup(t.Pre())
	config := object{"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false, "add_bos_token": t.AddsBOS(), "add_eos_token": t.AddsEOS()}
	for _, role := range []string{"bos", "eos", "unk", "pad", "sep", "cls", "mask"} {
		id, ok := t.Special(role)
		if text, _, kind := t.Token(id); ok && (kind == tokenizer.TypeControl || kind == tokenizer.TypeUserDefined) {
			config[role+"_token"] = text // another would be found in text before it is cut
		}
	}
	files := map[string][]byte{
		"tokenizer_config.json": encoded(config),
		"tokenizer.json": encoded(object{
			"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil, "added_tokens": added,
			"pre_tokenizer":  object{"type": "Sequence", "pretokenizers": cutters[cutter(t.Pre())].steps},
			"post_processor": around(t), "decoder": level(true),
			"model": object{
				"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil, "fuse_unk": false,
				"byte_fallback": false, "ignore_merges": rule.IgnoreMerges, "vocab": own, "merges": merges,
			},
		}),
	}
	if chat, ok := kvs.String("tokenizer.chat_template"); ok && chat != "" {
		files["chat_template.jinja"] = []byte(chat)
	}
	return files
}

// around puts BOS and EOS around a text.
func around(t *tokenizer.Tokenizer) object {
	single, pair, special := []object{}, []object{}, object{}
	put := func(role string) {
		id, _ := t.Special(role)
		text, _, _ := t.Token(id)
		special[text] = object{"id": text, "ids": []int32{id}, "tokens": []string{text}}
		for kind, list := range []*[]object{&single, &pair} {
			*list = append(*list, object{"SpecialToken": object{"id": text, "type_id": kind}})
		}
	}
	sequence := func(list *[]object, id string, kind int) {
		*list = append(*list, object{"Sequence": object{"id": id, "type_id": kind}})
	}
	sequence(&pair, "A", 0)
	if t.AddsBOS() {
		put("bos")
	}
	sequence(&single, "A", 0)
	sequence(&pair, "B", 1)
	if t.AddsEOS() {
		put("eos")
	}
	if t.AddsBOS() { // before the first of a pair, too
		id, _ := t.Special("bos")
		text, _, _ := t.Token(id)
		pair = slices.Insert(pair, 0, object{"SpecialToken": object{"id": text, "type_id": 0}})
	}
	return object{"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special}
}

func encoded(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		panic(err) // strings and numbers
	}
	return b.Bytes()
}

// memory are files that are not on a disk.
type memory map[string][]byte

func (m memory) ReadFile(name string) ([]byte, error) {
	if data, ok := m[name]; ok {
		return data, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
