package tokenizer

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// SentencePiece is the part of a SentencePiece ModelProto that encoding needs
// (sentencepiece_model.proto; piece types are numbered as in GGUF).
type SentencePiece struct {
	Pieces []string
	Scores []float32
	Types  []TokenType

	Algorithm   uint64 // 1 unigram, 2 BPE, 3 word, 4 char
	Charsmap    []byte // precompiled normalization
	DummyPrefix bool   // text begins with a space that is not its own
	MergeSpaces bool

	size         int // bytes of all pieces
	byteFallback bool
	spaceSuffix  bool
	escape       bool
}

// protoField is one field of a message: a number or bytes.
type protoField struct {
	number protowire.Number
	varint uint64
	bytes  []byte
}

// protoFields calls yield for every field of a message.
func protoFields(raw []byte, yield func(protoField) error) error {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return fault.Op("tokenizer").Corrupt("SentencePiece model: %w", protowire.ParseError(n))
		}
		raw = raw[n:]
		f := protoField{number: number}
		switch kind {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(raw)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(raw)
			f.varint = uint64(v)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(raw)
		default:
			n = protowire.ConsumeFieldValue(number, kind, raw)
		}
		if n < 0 {
			return fault.Op("tokenizer").Corrupt("SentencePiece model: field %d: %w", number, protowire.ParseError(n))
		}
		raw = raw[n:]
		if err := yield(f); err != nil {
			return err
		}
	}
	return nil
}

// ParseSentencePiece reads a SentencePiece model file (tokenizer.model).
func ParseSentencePiece(raw []byte) (*SentencePiece, error) {
	m := &SentencePiece{Algorithm: 1, DummyPrefix: true, MergeSpaces: true, escape: true}
	err := protoFields(raw, func(f protoField) error {
		switch f.number {
		case 1:
			return m.piece(f.bytes)
		case 2:
			return protoFields(f.bytes, func(f protoField) error {
				switch f.number {
				case 3:
					m.Algorithm = f.varint
				case 24:
					m.spaceSuffix = f.varint != 0
				case 35:
					m.byteFallback = f.varint != 0
				}
				return nil
			})
		case 3:
			return protoFields(f.bytes, func(f protoField) error {
				switch f.number {
				case 2:
					m.Charsmap = f.bytes
				case 3:
					m.DummyPrefix = f.varint != 0
				case 4:
					m.MergeSpaces = f.varint != 0
				case 5:
					m.escape = f.varint != 0
				}
				return nil
			})
		}
		return nil
	})
	if err == nil && len(m.Pieces) == 0 {
		err = fault.Op("tokenizer").Corrupt("SentencePiece model has no pieces")
	}
	return m, err
}

func (m *SentencePiece) piece(raw []byte) error {
	text, score, kind := "", float32(0), TypeNormal
	err := protoFields(raw, func(f protoField) error {
		switch f.number {
		case 1:
			text = string(f.bytes)
		case 2:
			score = math.Float32frombits(uint32(f.varint))
		case 3:
			kind = TokenType(f.varint)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if kind < TypeNormal || kind > TypeByte {
		return fault.Op("tokenizer").Corrupt("SentencePiece model: piece %d %q has type %d", len(m.Pieces), text, kind)
	}
	if score != score {
		return fault.Op("tokenizer").Corrupt("SentencePiece model: the score of piece %d %q is not a number", len(m.Pieces), text)
	}
	if m.size += len(text); len(m.Pieces) == maxPieces || m.size > maxText {
		return fault.Op("tokenizer").Corrupt("SentencePiece model: more than %d pieces or %d bytes in them", maxPieces, maxText)
	}
	m.Pieces = append(m.Pieces, text)
	m.Scores = append(m.Scores, score)
	m.Types = append(m.Types, kind)
	return nil
}

// FromSentencePiece builds the tokenizer of a SentencePiece model file
// (tokenizer.model), with the rules of the SentencePiece library. Options add
// what that library leaves to its callers: BOS, and control tokens in text.
func FromSentencePiece(raw []byte) (*Tokenizer, error) {
	m, err := ParseSentencePiece(raw)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{kind: "llama", pre: "default", scores: m.Scores, types: m.Types, special: map[string]int32{}}
	if t.vocab, err = newVocabulary(m.Pieces); err != nil {
		return nil, err
	}
	chars, err := newCharsmap(m.Charsmap)
	if err != nil {
		return nil, err
	}
	t.spRoles()
	switch m.Algorithm {
	case 1:
		t.kind, t.addEOS = "t5", true
		scores := make([]float64, len(m.Scores))
		for i, s := range m.Scores {
			scores[i] = float64(s)
		}
		u := newUnigram(t.vocab, scores, withoutUnused(t.types), t.role("unk"))
		u.asSentencePiece(t.vocab, t.types)
		if m.byteFallback {
			u.bytes = byteTokens(t.vocab.own)
		}
		t.model = u
	case 2:
		t.addBOS = true
		b := newSPM(t.vocab, t.scores, t.types)
		b.only = mergeable
		b.unk, b.fuse = t.role("unk"), !m.byteFallback
		b.keep = userDefined(t.vocab, t.types)
		t.model = b
	default:
		return nil, fault.Op("tokenizer").Unsupported("SentencePiece model of type %d", m.Algorithm)
	}
	n := &normalizer{chars: chars, keep: userDefined(t.vocab, t.types), escape: m.escape,
		prefix: m.DummyPrefix, suffix: m.spaceSuffix, merge: m.MergeSpaces}
	t.words = func(w *pattern.Work, dst []string, f fragment) []string {
		return append(dst, n.sentencePiece(w, f.text))
	}
	t.addSpace = m.DummyPrefix && !m.spaceSuffix
	t.piece = t.textPiece(unescapeSpaces)
	t.around()
	return t, nil
}

// withoutUnused hides unused tokens, which the library never gives.
func withoutUnused(types []TokenType) []TokenType {
	used := slices.Clone(types)
	for i, kind := range used {
		if kind == TypeUnused {
			used[i] = TypeControl
		}
	}
	return used
}

// mergeable reports whether text may be put together from pieces of a type.
func mergeable(kind TokenType) bool {
	return kind == TypeNormal || kind == TypeUserDefined || kind == TypeUnused
}

// spRoles finds the special tokens of a SentencePiece vocabulary by their
// usual spelling, and the control tokens that a text may hold.
func (t *Tokenizer) spRoles() {
	var ms []marker
	for id, kind := range t.types {
		switch kind {
		case TypeUnknown:
			t.special["unk"] = int32(id)
		case TypeControl:
			ms = append(ms, marker{text: t.vocab.text(int32(id)), id: int32(id), control: true})
		}
	}
	for _, name := range []struct{ role, text string }{
		{"bos", "<s>"}, {"bos", "<bos>"}, {"eos", "</s>"}, {"eos", "<eos>"}, {"pad", "<pad>"}, {"mask", "<mask>"},
	} {
		if id, ok := t.vocab.id(name.text); ok && t.types[id] == TypeControl {
			t.special[name.role] = id
		}
	}
	t.marked = newLongestFirst(ms)
}
