package vocab

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// put writes the kind of vocabulary and its tokens.
func (c *checkpoint) put(kind, pre string, table []entry, scored bool) {
	c.kvs.Set(key("model"), kind)
	if pre != "" {
		c.kvs.Set(key("pre"), pre)
	}
	c.putTokens(table, scored)
}

// putTokens writes the tokens, one for every row of the embedding.
func (c *checkpoint) putTokens(table []entry, scored bool) {
	for len(table) < c.size {
		table = append(table, padding(len(table)))
	}
	tokens, scores, kinds := make([]string, len(table)), make([]float32, len(table)), make([]int32, len(table))
	for i, e := range table {
		tokens[i], scores[i], kinds[i] = e.text, e.score, int32(e.kind)
	}
	c.kvs.Set(key("tokens"), tokens)
	if scored {
		c.kvs.Set(key("scores"), scores)
	}
	c.kvs.Set(key("token_type"), kinds)
}

// special writes what follows the tokens.
func (c *checkpoint) special(merges bool, limit int, change func(v *specialVocab) error) error {
	v, err := newSpecialVocab(c.files, c.json, merges, limit)
	if err == nil && change != nil {
		err = change(v)
	}
	if err == nil {
		err = c.fallback(v)
	}
	if err != nil {
		return err
	}
	tokens, ok := c.kvs.Strings(key("tokens"))
	if ok {
		for _, role := range c.opts.Rules.Roles {
			_, known := v.ids.values[role.Name]
			if id := slices.Index(tokens, role.Token); id >= 0 && !known {
				v.ids.set(role.Name, int64(id))
			}
		}
	}
	v.append(&c.kvs)
	c.notes = append(c.notes, v.notes...)
	for _, token := range c.opts.Rules.Fixed {
		if int(token.ID) < len(tokens) {
			c.kvs.Set(key(token.Key), token.ID)
		}
	}
	if c.opts.Rules.Documents {
		return c.documents(len(tokens))
	}
	return nil
}

// documents takes the ends of documents and turns from where models of Hunyuan
// have them.
func (c *checkpoint) documents(rows int) error {
	put := func(role string, id int64) {
		if id >= 0 && id < int64(rows) {
			c.kvs.Set(key(role+"_token_id"), uint32(id))
		}
	}
	if id, err := c.model.Int("eod_token_id"); err == nil {
		put("eos", id)
	}
	generation, err := readConfig(c.files, "generation_config.json")
	if err != nil && !errors.Is(err, fault.ErrCorrupt) {
		return err
	}
	if ends, err := generation.Ints("eos_token_id"); err == nil && len(ends) > 1 {
		put("eot", ends[0])
	}
	return nil
}

// fallback names the tokens of roles that tokenizer_config.json and config.json
// say nothing about: by special_tokens_map.json, then generation_config.json.
func (c *checkpoint) fallback(v *specialVocab) error {
	named, err := readObject(c.files, "special_tokens_map.json")
	if err != nil {
		return err
	}
	generation, err := readObject(c.files, "generation_config.json")
	if err != nil && !errors.Is(err, fault.ErrCorrupt) { // no model needs it, and transformers loads those where it is broken
		return err
	}
	tokens, _ := c.kvs.Strings(key("tokens"))
	for _, role := range roleNames {
		if c.config[role+"_token"] != nil || v.ids.has(role) {
			continue
		}
		id := slices.Index(tokens, contentOf(named[role+"_token"]))
		if id < 0 {
			value := generation[role+"_token_id"]
			if several, ok := value.([]any); ok && len(several) > 0 {
				value = several[0]
			}
			number, ok := value.(float64)
			if !ok || number < 0 || number >= float64(len(tokens)) || number != float64(int(number)) {
				continue
			}
			id = int(number)
		}
		if err := v.setID("generation_config.json", role, int64(id)); err != nil {
			return err
		}
	}
	return nil
}

// contentOf is the text of a token: a string, or an object with it.
func contentOf(value any) string {
	if object, ok := value.(map[string]any); ok {
		value = object["content"]
	}
	text, _ := value.(string)
	return text
}

// looksSpecial reports whether a token is a control token although no file calls
// it special.
func looksSpecial(text string) bool {
	switch text {
	case "<pad>", "<mask>", "<2mass>", "[@BOS@]":
		return true
	}
	around := func(left, right string) bool { return strings.HasPrefix(text, left) && strings.HasSuffix(text, right) }
	return around("<|", "|>") || around("<｜", "｜>") || around("<unused", ">")
}

// addedKind is the type of an added token and its text: llama.cpp looks for
// user-defined tokens in text that is not normalized.
func addedKind(text string, special bool) (string, tokenizer.TokenType) {
	if special || looksSpecial(text) {
		return text, tokenizer.TypeControl
	}
	return unescapeSpaces(text), tokenizer.TypeUserDefined
}

// jsonTokens are the tokens of tokenizer.json, padded to the vocabulary's size.
func (c *checkpoint) jsonTokens() ([]entry, error) {
	b := c.json
	added := c.added()
	size := max(c.size, b.Size())
	for id := range added {
		size = max(size, int(id)+1)
	}
	table := padded(size)
	for id := range b.Size() {
		if text, kind := b.Token(id); kind != tokenizer.TypeUndefined {
			table[id] = entry{text, 0, tokenizer.TypeNormal}
		}
	}
	spaced := spacesDecoded(b)
	for id, a := range added {
		text := a.Content
		if !a.Normalized && spaced {
			text = unescapeSpaces(text)
		}
		text, kind := addedKind(text, a.Special)
		table[id] = entry{text, 0, kind}
	}
	return c.fit(table, c.ownRows(), "tokenizer.json")
}

// ownRows is how many rows the tokens of the model in tokenizer.json need, its
// added tokens left aside.
func (c *checkpoint) ownRows() int {
	b, rows := c.json, 0
	for id := range b.Size() {
		text, _ := b.Token(id)
		if _, own := b.OwnID(text); own {
			rows = id + 1
		}
	}
	return rows
}

// added are the added tokens by id: those of tokenizer.json, as
// tokenizer_config.json has them where it does, and tokens with a role.
func (c *checkpoint) added() map[int64]tokenizer.AddedToken {
	all := map[int64]tokenizer.AddedToken{}
	for _, a := range c.json.AddedTokens {
		all[a.ID] = a
	}
	decoder, _ := c.config["added_tokens_decoder"].(map[string]any)
	for number, value := range decoder {
		id, err := strconv.ParseInt(number, 10, 32)
		fields, ok := value.(map[string]any)
		content, isText := fields["content"].(string)
		if err != nil || id < 0 || id > maxVocabulary || !ok || !isText {
			continue
		}
		if own, known := c.json.ID(content); known && int64(own) != id {
			continue // the vocabulary has it elsewhere
		}
		if text, kind := c.json.Token(int(id)); kind != tokenizer.TypeUndefined && text != content {
			continue
		}
		special, _ := fields["special"].(bool)
		normalized, _ := fields["normalized"].(bool)
		all[id] = tokenizer.AddedToken{ID: id, Content: content, Special: special, Normalized: normalized}
	}
	for text := range c.roleTokens() {
		if id, ok := c.json.ID(text); ok {
			if a, known := all[int64(id)]; !known {
				all[int64(id)] = tokenizer.AddedToken{ID: int64(id), Content: text, Special: true}
			} else if !a.Special && decoder == nil {
				a.Special = true
				all[int64(id)] = a
			}
		}
	}
	return all
}

// roleTokens are the texts of all special tokens that tokenizer_config.json
// names.
func (c *checkpoint) roleTokens() map[string]bool {
	texts := map[string]bool{}
	note := func(value any) {
		if text := contentOf(value); text != "" {
			texts[text] = true
		}
	}
	for _, role := range roleNames {
		note(c.config[role+"_token"])
	}
	for _, list := range []string{"additional_special_tokens", "extra_special_tokens"} {
		items, _ := c.config[list].([]any)
		for _, item := range items {
			note(item)
		}
	}
	return texts
}

// writeGPT2 writes a byte-level BPE vocabulary.
func (c *checkpoint) writeGPT2() error {
	pre := c.opts.Pre
	if pre == "" {
		var err error
		if pre, err = detectPre(c.json); err != nil {
			return err
		}
	}
	c.spacePrefix()
	if c.opts.Rules.Framed {
		for _, role := range []string{"bos", "eos", "sep"} {
			c.kvs.Set(key("add_"+role+"_token"), true)
		}
	}
	table, err := c.jsonTokens()
	if err != nil {
		return err
	}
	kind := "gpt2"
	if pre == "whitespace" {
		kind = pre
	}
	c.put(kind, pre, table, false)
	if err := c.special(true, len(table), nil); err != nil {
		return err
	}
	c.llamaTail()
	return nil
}

// spacePrefix notes add_prefix_space, which the reference writes first for
// models of the Llama family.
func (c *checkpoint) spacePrefix() {
	if v, ok := c.config["add_prefix_space"].(bool); ok && c.opts.Rules.Llama {
		c.kvs.Set(key("add_space_prefix"), v)
	}
}

// llamaTail are corrections for single models of the Llama family.
func (c *checkpoint) llamaTail() {
	if !c.opts.Rules.Llama {
		return
	}
	switch c.size {
	case 32016: // CodeLlama
		c.kvs.Set(key("eot_token_id"), uint32(32010))
	case 49152: // small Granite models
		c.kvs.Set(key("add_bos_token"), false)
	}
}

// writeBERT writes a WordPiece vocabulary: a word's first piece begins with
// U+2581, the others have lost their ##.
func (c *checkpoint) writeBERT() error {
	table, err := c.jsonTokens()
	if err != nil {
		return err
	}
	for i, e := range table {
		if e.kind == tokenizer.TypeControl {
			continue
		}
		if rest, ok := strings.CutPrefix(e.text, "##"); ok {
			table[i].text = rest
		} else {
			table[i].text = lowBlock + e.text
		}
	}
	types := 1
	if n := c.intParam("type_vocab_size"); n > 0 {
		types = n
	}
	c.kvs.Set(key("token_type_count"), uint32(types))
	c.put("bert", c.preOr("bert-bge"), table, false)
	return c.special(false, len(table), nil)
}

func (c *checkpoint) preOr(name string) string {
	if c.opts.Pre != "" {
		return c.opts.Pre
	}
	return name
}
