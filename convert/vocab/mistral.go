package vocab

import (
	"embed"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// mistralFile is the vocabulary in Mistral's own format. Unless the whole
// checkpoint has that format, other files come first.
func (c *checkpoint) mistralFile() (name, version string) {
	if !c.native && (c.json != nil || c.sp != nil) {
		return "", ""
	}
	return tokenizer.MistralFile(c.files, c.native)
}

// writeMistral writes a vocabulary in Mistral's own format.
func (c *checkpoint) writeMistral() error {
	name, version := c.mistralFile()
	raw, err := c.read(name)
	if err != nil {
		return err
	}
	if name == "tekken.json" {
		return c.writeTekken(raw)
	}
	if c.sp, err = tokenizer.ParseSentencePiece(raw); err != nil {
		return err
	}
	if c.sp.Algorithm != 2 {
		return fault.Op("tokenizer").File(name).Unsupported("SentencePiece model of type %d, Mistral's are BPE", c.sp.Algorithm)
	}
	if c.own, err = tokenizer.FromSentencePiece(raw); err != nil {
		return err
	}
	table, err := c.spTokens(max(c.size, len(c.sp.Pieces)))
	if err != nil {
		return err
	}
	if version == "" {
		version = "v1"
	}
	c.kvs.Set(key("model"), "llama")
	return c.mistralTail(table, version, c.own.Special)
}

// writeTekken writes the vocabulary of tekken.json.
func (c *checkpoint) writeTekken(raw []byte) error {
	f, err := tokenizer.ParseTekken(raw)
	if err != nil {
		return err
	}
	if c.own, err = f.Tokenizer(); err != nil {
		return err
	}
	merges, err := allSplits(f.Tokens)
	if err != nil {
		return err
	}
	c.kvs.Set(key("model"), "gpt2")
	c.kvs.Set(key("pre"), c.preOr("tekken"))
	c.kvs.Set(key("merges"), merges)
	table := padded(max(c.size, len(f.Specials)+len(f.Tokens)))
	for i, text := range f.Specials {
		table[i] = entry{text, 0, tokenizer.TypeControl}
	}
	for i, token := range f.Tokens {
		table[len(f.Specials)+i] = entry{tokenizer.ToByteChars(token), 0, tokenizer.TypeNormal}
	}
	return c.mistralTail(table, f.Config.Version+"-tekken", c.own.Special)
}

// mistralTail writes what follows, in the order of the reference converter:
// special tokens, the tokens themselves, the chat template. (The zeros that are
// the scores of tekken.json's tokens are integers there.)
func (c *checkpoint) mistralTail(table []entry, version string, role func(string) (int32, bool)) error {
	if c.size > 0 && len(table) > c.size {
		return fault.Op("tokenizer").Corrupt("%d tokens, but the checkpoint says vocab_size %d", len(table), c.size)
	}
	or := func(name string, def uint32) uint32 {
		if id, ok := role(name); ok {
			return uint32(id)
		}
		return def
	}
	eos := or("eos", 2)
	c.kvs.Set(key("bos_token_id"), or("bos", 1))
	c.kvs.Set(key("eos_token_id"), eos)
	c.kvs.Set(key("unknown_token_id"), or("unk", 0))
	c.kvs.Set(key("padding_token_id"), or("pad", eos))
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
