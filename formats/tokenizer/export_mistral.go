package tokenizer

import (
	"embed"
	"regexp"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// versionedModel is the name of a SentencePiece model of Mistral's own format:
// tokenizer.model.v3, and v7m1 where it goes with images. Without a version it
// is the first.
var versionedModel = regexp.MustCompile(`^[^.]*\.model(?:\.(v[0-9]+)(?:m[0-9]+)?)?$`)

// mistralFile is the vocabulary in Mistral's own format: tekken.json, else the
// last SentencePiece model by name; "" where there is neither. Unless the whole
// checkpoint has that format, other files come first.
func (c *checkpoint) mistralFile() string {
	if !c.native && (c.json != nil || c.sp != nil) {
		return ""
	}
	if raw, err := c.read("tekken.json"); err == nil && raw != nil {
		return "tekken.json"
	}
	for _, name := range slices.Backward(list(c.files, ".")) {
		if m := versionedModel.FindStringSubmatch(name); m != nil && (m[1] != "" || c.native) {
			return name
		}
	}
	return ""
}

// writeMistral writes a vocabulary in Mistral's own format.
func (c *checkpoint) writeMistral() error {
	name := c.mistralFile()
	raw, err := c.read(name)
	if err != nil {
		return err
	}
	if name == "tekken.json" {
		return c.writeTekken(raw)
	}
	if c.sp, err = parseSentencePiece(raw); err != nil {
		return err
	}
	if c.sp.algorithm != 2 {
		return fault.Unsupported("tokenizer: %s: SentencePiece model of type %d, Mistral's are BPE", name, c.sp.algorithm)
	}
	if c.own, err = FromSentencePiece(raw); err != nil {
		return err
	}
	table, err := c.spTokens(max(c.size, len(c.sp.pieces)))
	if err != nil {
		return err
	}
	version := versionedModel.FindStringSubmatch(name)[1]
	if version == "" {
		version = "v1"
	}
	c.kvs.Set(key("model"), "llama")
	return c.mistralTail(table, version, c.own.role)
}

// writeTekken writes the vocabulary of tekken.json.
func (c *checkpoint) writeTekken(raw []byte) error {
	f, err := parseTekken(raw)
	if err != nil {
		return err
	}
	if c.own, err = f.tokenizer(); err != nil {
		return err
	}
	merges, err := allSplits(f.tokens, c.own.model.(*ranked).ranks)
	if err != nil {
		return err
	}
	c.kvs.Set(key("model"), "gpt2")
	c.kvs.Set(key("pre"), c.preOr("tekken"))
	c.kvs.Set(key("merges"), merges)
	table := padded(max(c.size, len(f.special)+len(f.tokens)))
	for i, text := range f.special {
		table[i] = entry{text, 0, TypeControl}
	}
	for i, token := range f.tokens {
		table[len(f.special)+i] = entry{toByteChars(token), 0, TypeNormal}
	}
	return c.mistralTail(table, f.Config.Version+"-tekken", c.own.role)
}

// mistralTail writes what follows, in the order of the reference converter:
// special tokens, the tokens themselves, the chat template. (The zeros that are
// the scores of tekken.json's tokens are integers there.)
func (c *checkpoint) mistralTail(table []entry, version string, role func(string) int32) error {
	if c.size > 0 && len(table) > c.size {
		return fault.Corrupt("tokenizer: %d tokens, but the checkpoint says vocab_size %d", len(table), c.size)
	}
	or := func(id, def int32) uint32 {
		if id == unknown {
			id = def
		}
		return uint32(id)
	}
	eos := or(role("eos"), 2)
	c.kvs.Set(key("bos_token_id"), or(role("bos"), 1))
	c.kvs.Set(key("eos_token_id"), eos)
	c.kvs.Set(key("unknown_token_id"), or(role("unk"), 0))
	c.kvs.Set(key("padding_token_id"), or(role("pad"), int32(eos)))
	c.putTokens(table, true)
	c.kvs.Set(key("add_bos_token"), true)
	c.kvs.Set(key("add_eos_token"), false)
	chat, err := c.mistralChat(version)
	if chat != "" {
		c.kvs.Set("tokenizer.chat_template", chat)
	}
	return err
}

// builtinChat are the templates of Mistral's formats that llama.cpp knows by
// name.
var builtinChat = map[string]string{
	"v1": "mistral-v1", "v3": "mistral-v3", "v3-tekken": "mistral-v3-tekken", "v7": "mistral-v7", "v7-tekken": "mistral-v7-tekken",
}

// The formats since then are written out, one file for each version. They are
// checked against the mistral-common library (internal/fixtures/tokenizer).
//
//go:embed templates
var chatFiles embed.FS

// mistralChat is the checkpoint's own template, else the one for the version
// of its vocabulary; "" for versions without.
func (c *checkpoint) mistralChat(version string) (string, error) {
	local, err := c.read("chat_template.jinja")
	if err != nil || c.native && local != nil {
		return universalNewlines(string(local)), err
	}
	if name, ok := builtinChat[version]; ok {
		return name, nil
	}
	text, _ := chatFiles.ReadFile("templates/mistral-" + version + ".jinja")
	return string(text), nil
}
