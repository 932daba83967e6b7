package tokenizer

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// stripRules tells which special tokens take the white space around them.
// GGUF files do not say so; llama.cpp goes by the names of models.
func (l *loader) stripRules() func(text string) (left, right bool) {
	name, _ := l.kvs.String("general.name")
	arch, _ := l.kvs.String("general.architecture")
	name = strings.ToLower(name)
	within := func(s string, subs ...string) bool {
		return slices.ContainsFunc(subs, func(sub string) bool { return strings.Contains(s, sub) })
	}
	switch {
	case within(l.pre, "jina-v2-de", "jina-v2-es", "jina-v2-code") || within(arch, "nomic-bert-moe", "jina-bert-v3"):
		return func(text string) (bool, bool) { return text == "<mask>", false }
	case within(name, "phi-3", "phi3"):
		return func(text string) (bool, bool) {
			return false, text != "<unk>" && text != "<s>" && text != "<|endoftext|>"
		}
	case within(name, "modern-bert"):
		return func(text string) (bool, bool) { return text == "[MASK]", false }
	}
	return func(string) (bool, bool) { return false, false }
}

func (l *loader) spm() error {
	if l.scores == nil {
		l.scores = make([]float32, l.vocab.size)
	}
	m := newSPM(l.vocab, l.scores, l.types)
	m.unk = l.role("unk")
	l.model = m
	l.words = func(w *pattern.Work, dst []string, f fragment) []string {
		text := escapeSpaces(f.text)
		if l.addSpace && f.afterSpecial {
			text = lowBlock + text
		}
		return append(dst, text)
	}
	l.piece = l.textPiece(unescapeSpaces)
	return nil
}

func (l *loader) bpe() error {
	texts, ok := l.kvs.Strings(key("merges"))
	if !ok && l.pre != "kimi-k2" {
		return fault.Op("tokenizer").Key(key("merges")).Corrupt(" is missing or no array of strings")
	}
	m := &bpe{tokens: int32(l.vocab.size), unk: unknown}
	if l.rule.Characters {
		m.chars = oneRune(l.vocab.own)
		m.fallback = byteTokens(l.vocab.own)
	}
	if l.rule.IgnoreMerges {
		m.whole = l.vocab.own
	}
	if l.pre == "gemma4" || l.pre == "granite-embed-multi-311m" {
		m.lines = map[string]int32{}
		for id, text := range l.vocab.all() {
			if strings.Trim(text, "\n") == "" {
				m.lines[text] = id
			}
		}
	}
	if err := m.setMerges(mergeList(texts), l.vocab.own, false); err != nil {
		return err
	}
	if m.chars == nil {
		m.setBytes(l.vocab.own)
	}
	l.model = m
	split, err := l.rule.Splitter()
	if err != nil {
		return err
	}
	if l.kind == "whitespace" {
		split = dropSpace
	}
	lower := l.kind == "whitespace" && l.flag("normalizer.lowercase", false)
	l.words = func(w *pattern.Work, dst []string, f fragment) []string {
		s := repairLlama(f.text)
		if lower {
			s = strings.ToLower(s)
		}
		if l.rule.Spaces {
			s = escapeSpaces(s)
		}
		return split(w, dst, s)
	}
	decode := unescapeSpaces
	if !l.rule.Spaces {
		decode = func(text string) string {
			if raw, ok := FromByteChars(text); ok {
				return raw
			}
			return text
		}
	}
	l.piece = l.textPiece(decode)
	return nil
}

// dropSpace cuts at white space, which it drops.
func dropSpace(_ *pattern.Work, dst []string, s string) []string {
	return append(dst, strings.FieldsFunc(s, func(r rune) bool { return pattern.Unicode15.Of(r)&pattern.Space != 0 })...)
}

// oneRune are the tokens of one character.
func oneRune(tokens *lexicon) map[string]int32 {
	chars := map[string]int32{}
	for id, text := range tokens.all() {
		if text != "" && leadLen(text) == len(text) {
			chars[text] = id
		}
	}
	return chars
}

// byteTokens are the ids of <0x00> to <0xFF>.
func byteTokens(tokens *lexicon) *[256]int32 {
	var table [256]int32
	for b := range table {
		table[b], _ = tokens.id(byteToken(byte(b)))
	}
	return &table
}

func (l *loader) wordPiece() error {
	var firsts, rests []string
	var firstIDs, restIDs []int32
	for id, text := range l.vocab.all() {
		if word, ok := strings.CutPrefix(text, lowBlock); ok {
			firsts, firstIDs = append(firsts, word), append(firstIDs, int32(id))
		}
		rests, restIDs = append(rests, text), append(restIDs, int32(id))
	}
	l.model = &wordPiece{first: newTrie(firsts, firstIDs), rest: newTrie(rests, restIDs), unk: l.role("unk")}
	lower := l.flag("normalizer.lowercase", true)
	words := bertText{lower: lower, accents: l.flag("normalizer.strip_accents", lower), ed: pattern.Unicode15}
	l.words = func(w *pattern.Work, dst []string, f fragment) []string { return words.split(dst, repairLlama(f.text)) }
	l.piece = l.textPiece(unescapeSpaces)
	return nil
}

func (l *loader) unigram() error {
	scores := make([]float64, l.vocab.size)
	for i, s := range l.scores {
		scores[i] = float64(s)
	}
	var blob []byte
	if raw, ok := l.kvs.Ints(key("precompiled_charsmap")); ok {
		blob = make([]byte, len(raw))
		for i, v := range raw {
			blob[i] = byte(v)
		}
	}
	chars, err := newCharsmap(blob)
	if err != nil {
		return err
	}
	norm := &normalizer{chars: chars, escape: true, prefix: l.addSpace, merge: l.flag("remove_extra_whitespaces", false),
		keep: userDefined(l.vocab, l.types)}
	l.model = newUnigram(l.vocab, scores, l.types, l.role("unk"))
	l.words = func(w *pattern.Work, dst []string, f fragment) []string { return append(dst, norm.llama(w, f.text)) }
	l.piece = l.textPiece(unescapeSpaces)
	return nil
}

// userDefined finds user-defined tokens, or is nil where there are none.
func userDefined(v *vocabulary, types []TokenType) *trie {
	var keys []string
	var ids []int32
	for id, t := range types {
		if t == TypeUserDefined {
			keys, ids = append(keys, v.text(int32(id))), append(ids, int32(id))
		}
	}
	if keys == nil {
		return nil
	}
	return newTrie(keys, ids)
}

func (l *loader) rwkv() error {
	keys, ids := make([]string, l.vocab.size), make([]int32, l.vocab.size)
	for i, text := range l.vocab.all() {
		keys[i], ids[i] = unescapeRWKV(text), int32(i)
	}
	l.model = &greedy{newTrie(keys, ids), l.role("unk")}
	l.words = func(w *pattern.Work, dst []string, f fragment) []string { return append(dst, f.text) }
	l.piece = func(id int32) string { return keys[id] }
	return nil
}

// textPiece gives the bytes of a token by its type; decode is for normal ones.
func (t *Tokenizer) textPiece(decode func(string) string) func(int32) string {
	return func(id int32) string {
		text := t.vocab.text(id)
		switch t.types[id] {
		case TypeNormal:
			return decode(text)
		case TypeByte:
			if b, ok := ParseByteToken(text); ok {
				return string([]byte{b})
			}
			return text
		case TypeControl, TypeUnknown, TypeUserDefined:
			return text
		}
		return ""
	}
}
