package tokenizer

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// jsonBuilder builds a tokenizer from tokenizer.json.
type jsonBuilder struct {
	*Tokenizer
	file       *File
	configured bool // tokenizer_config.json says what stands around a text
}

// Tokenizer builds the tokenizer, with the rules of the Hugging Face
// tokenizers library. config is tokenizer_config.json, which names the special
// tokens, or nil.
func (f *File) Tokenizer(config []byte) (*Tokenizer, error) {
	norm, err := compileNormalizer(f.Normalizer)
	if err != nil {
		return nil, err
	}
	steps, mapped, err := compilePreTokenizer(f.PreTokenizer)
	if err != nil {
		return nil, err
	}
	b := &jsonBuilder{&Tokenizer{vocab: f.vocab, types: f.types, special: map[string]int32{}}, f, false}
	switch b.file.Model.Type {
	case "BPE":
		err = b.bpe(mapped)
	case "Unigram":
		err = b.unigram(mapped)
	case "WordPiece":
		err = b.wordPiece(mapped)
	case "WordLevel":
		b.kind, b.model = "wordlevel", wholeWord{b.vocab.own, b.unknownID()}
	default:
		err = fault.Op("tokenizer").File("tokenizer.json").Unsupported("model %q", b.file.Model.Type)
	}
	if err != nil {
		return nil, err
	}
	if b.marked, err = newAddedTokens(b.file.AddedTokens, norm); err != nil {
		return nil, err
	}
	b.Tokenizer.words = func(w *pattern.Work, dst []string, f fragment) []string {
		return cut(w, dst, f.text, f.first, steps)
	}
	b.decoding()
	if err := b.names(config); err != nil {
		return nil, err
	}
	b.spelledRoles()
	return b.Tokenizer, b.template()
}

// wholeWord knows whole words only.
type wholeWord struct {
	ids *lexicon
	unk int32
}

func (m wholeWord) word(_ *pattern.Work, dst []int32, s string) []int32 {
	if id, ok := m.ids.id(s); ok {
		return append(dst, id)
	}
	if m.unk >= 0 {
		dst = append(dst, m.unk)
	}
	return dst
}

func (b *jsonBuilder) unknownID() int32 {
	if id, ok := b.vocab.own.id(str(b.file.Model.UnkToken)); ok && b.file.Model.UnkToken != nil {
		return id
	}
	return unknown
}

func (b *jsonBuilder) bpe(byteLevel bool) error {
	b.kind = "gpt2"
	if b.file.Model.ByteFallback {
		b.kind = "llama"
	}
	if str(b.file.Model.SubPrefix) != "" || str(b.file.Model.WordSuffix) != "" {
		return fault.Op("tokenizer").File("tokenizer.json").Unsupported("BPE with subword prefix %q and word suffix %q", str(b.file.Model.SubPrefix), str(b.file.Model.WordSuffix))
	}
	m := &bpe{tokens: int32(b.vocab.size), unk: b.unknownID(), fuse: b.file.Model.FuseUnk, strict: true}
	if !byteLevel {
		m.chars = oneRune(b.vocab.own)
	}
	if b.file.Model.ByteFallback {
		m.fallback = byteTokens(b.vocab.own)
	}
	if b.file.Model.IgnoreMerges {
		m.whole = b.vocab.own
	}
	if err := m.setMerges(b.file.merges, b.vocab.own, true); err != nil {
		return err
	}
	if byteLevel {
		m.setBytes(b.vocab.own)
	}
	b.model = m
	return nil
}

func (b *jsonBuilder) unigram(byteLevel bool) error {
	b.kind = "t5"
	if byteLevel {
		return fault.Op("tokenizer").File("tokenizer.json").Unsupported("Unigram model over bytes")
	}
	unk := unknown
	if id := b.file.Model.UnkID; id != nil {
		if *id < 0 || *id >= int64(len(b.file.Model.Scores)) {
			return fault.Op("tokenizer").File("tokenizer.json").Corrupt("unk_id %d in a vocabulary of %d", *id, len(b.file.Model.Scores))
		}
		unk = int32(*id)
	}
	b.scores = make([]float32, b.vocab.size)
	plain := make([]TokenType, len(b.file.Model.Scores))
	for i, s := range b.file.Model.Scores {
		b.scores[i] = float32(s)
		plain[i] = TypeNormal
	}
	m := newUnigram(b.vocab, b.file.Model.Scores, plain, unk)
	if b.file.Model.ByteFallback {
		m.bytes = byteTokens(b.vocab.own)
	}
	b.model = m
	return nil
}

func (b *jsonBuilder) wordPiece(byteLevel bool) error {
	b.kind = "bert"
	if byteLevel {
		return fault.Op("tokenizer").File("tokenizer.json").Unsupported("WordPiece model over bytes")
	}
	prefix := "##"
	if b.file.Model.SubPrefix != nil {
		prefix = *b.file.Model.SubPrefix
	}
	m := &wordPiece{limit: 100, unk: b.unknownID()}
	if b.file.Model.MaxChars != nil {
		m.limit = *b.file.Model.MaxChars
	}
	m.first = b.pieces(func(text string) (string, bool) { return text, true })
	m.rest = b.pieces(func(text string) (string, bool) { return strings.CutPrefix(text, prefix) })
	b.model = m
	return nil
}

// pieces makes a trie of tokens of the model, as key has them.
func (b *jsonBuilder) pieces(key func(text string) (string, bool)) *trie {
	count := b.vocab.own.len()
	keys, ids := make([]string, 0, count), make([]int32, 0, count)
	for id, text := range b.vocab.own.all() {
		if k, ok := key(text); ok {
			keys, ids = append(keys, k), append(ids, id)
		}
	}
	return newTrie(keys, ids)
}

// decoding sets how tokens become text again.
func (b *jsonBuilder) decoding() {
	decode := func(text string) string { return text }
	escaped := false
	for _, d := range b.file.Decoder.Steps() {
		switch d.Type {
		case "ByteLevel":
			decode = func(text string) string {
				if raw, ok := FromByteChars(text); ok {
					return raw
				}
				return text
			}
		case "Metaspace", "Replace":
			decode, escaped = unescapeSpaces, true
			b.addSpace = b.addSpace || d.Type == "Metaspace" && d.PrependScheme != "never" && yes(d.AddPrefixSpace)
		case "Strip":
			b.addSpace = true
		case "WordPiece":
			b.addSpace = true
			decode = func(text string) string {
				if rest, ok := strings.CutPrefix(text, "##"); ok {
					return rest
				}
				return " " + text
			}
		}
	}
	plain := b.textPiece(decode)
	b.piece = plain
	if escaped {
		b.piece = func(id int32) string {
			if b.types[id] == TypeUserDefined {
				return unescapeSpaces(b.vocab.text(id))
			}
			return plain(id)
		}
	}
}

// tokenName is a special token in tokenizer_config.json: its text, or an
// object with it.
type tokenName string

func (n *tokenName) UnmarshalJSON(raw []byte) error {
	var object struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(raw, &object) == nil {
		*n = tokenName(object.Content)
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*n = tokenName(text)
	}
	return nil // other values name no token
}

// roleNames are the roles that tokenizer_config.json has a token for.
var roleNames = []string{"bos", "eos", "unk", "sep", "pad", "cls", "mask"}

// names reads which tokens have a role.
func (b *jsonBuilder) names(config []byte) error {
	if unk := b.file.Model.UnkToken; unk != nil {
		if id, ok := b.vocab.id(*unk); ok {
			b.special["unk"] = id
		}
	}
	if len(config) == 0 {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(config, &fields); err != nil {
		return fault.Op("tokenizer").File("tokenizer_config.json").Corrupt("%w", err)
	}
	for _, role := range roleNames {
		var name tokenName
		if raw, ok := fields[role+"_token"]; ok && name.UnmarshalJSON(raw) == nil {
			if id, ok := b.vocab.id(string(name)); ok && name != "" {
				b.special[role] = id
			}
		}
	}
	b.surround(fields)
	return nil
}

// surround reads which tokens tokenizer_config.json puts around a text. Where
// it says so of one, Transformers leaves the post-processor out.
func (b *jsonBuilder) surround(fields map[string]json.RawMessage) {
	for _, side := range []struct {
		role string
		to   *[]int32
	}{{"bos", &b.begin}, {"eos", &b.end}} {
		raw, said := fields["add_"+side.role+"_token"]
		b.configured = b.configured || said
		if id := b.role(side.role); string(raw) == "true" && id != unknown {
			*side.to = append(*side.to, id)
		}
	}
}

// template reads what the post-processor puts around a text.
func (b *jsonBuilder) template() error {
	list := b.file.PostProcessor.Steps()
	if b.configured {
		list = nil
	}
	for i := range list {
		p := list[i]
		switch p.Type {
		case "BertProcessing", "RobertaProcessing":
			for _, side := range []struct {
				value []any
				to    *[]int32
			}{{p.CLS, &b.begin}, {p.SEP, &b.end}} {
				id, err := b.processorID(p.Type, side.value)
				if err != nil {
					return err
				}
				*side.to = append(*side.to, id)
			}
		case "TemplateProcessing":
			to := &b.begin
			for _, piece := range p.Single {
				if piece.Sequence != nil {
					to = &b.end
				}
				if piece.SpecialToken == nil {
					continue
				}
				for _, id := range p.SpecialTokens[piece.SpecialToken.ID].IDs {
					if id < 0 || id >= int64(b.vocab.size) {
						return fault.Op("tokenizer").File("tokenizer.json").Corrupt("post-processor: token %q has id %d in a vocabulary of %d", piece.SpecialToken.ID, id, b.vocab.size)
					}
					*to = append(*to, int32(id))
				}
			}
		}
	}
	b.addBOS = slices.Contains(b.begin, b.role("bos"))
	b.addEOS = slices.Contains(b.end, b.role("eos"))
	return nil
}

// processorID reads ["<s>", 0].
func (b *jsonBuilder) processorID(kind string, value []any) (int32, error) {
	if len(value) == 2 {
		if id, ok := value[1].(float64); ok && id >= 0 && id < float64(b.vocab.size) && id == float64(int32(id)) {
			return int32(id), nil
		}
	}
	return 0, fault.Op("tokenizer").File("tokenizer.json").Corrupt("post-processor %s: %v is not a token with its id", kind, value)
}

// FromJSON builds the tokenizer of a tokenizer.json file, with the rules of
// the Hugging Face tokenizers library. config is tokenizer_config.json, which
// names the special tokens, or nil.
func FromJSON(file, config []byte) (*Tokenizer, error) {
	f, err := ParseJSON(file)
	if err != nil {
		return nil, err
	}
	return f.Tokenizer(config)
}

// Words normalizes and cuts a text as the file says. bytes reports that the
// words stand for the byte alphabet, in which the model has them.
func (f *File) Words(text string) (words []string, bytes bool, err error) {
	steps, mapped, err := compilePreTokenizer(f.PreTokenizer)
	if err != nil {
		return nil, false, err
	}
	norm, err := compileNormalizer(f.Normalizer)
	if err != nil {
		return nil, false, err
	}
	w := pattern.Bounded(len(text))
	words = cut(w, nil, norm(w, text), true, steps)
	return words, mapped, w.Err()
}
