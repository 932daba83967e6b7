package tokenizer

import (
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

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

func (l *loader) wordPiece() error {
	var firsts, rests []string
	var firstIDs, restIDs []int32
	for id, text := range l.vocab.all() {
		if word, ok := strings.CutPrefix(text, lowBlock); ok {
			firsts, firstIDs = append(firsts, word), append(firstIDs, id)
		}
		rests, restIDs = append(rests, text), append(restIDs, id)
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
		keys[i], ids[i] = unescapeRWKV(text), i
	}
	l.model = &greedy{newTrie(keys, ids), l.role("unk")}
	l.words = func(w *pattern.Work, dst []string, f fragment) []string { return append(dst, f.text) }
	l.piece = func(id int32) string { return keys[id] }
	return nil
}
