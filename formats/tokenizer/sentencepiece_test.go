package tokenizer

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
	"github.com/f190792d/mq/internal/vocabtest"
)

func TestSentencePieceBPEKeepsUserDefinedTokensWhole(t *testing.T) {
	tok, err := FromSentencePiece(vocabtest.SentencePiece(2, false, toyPieces...))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"ab":         "▁ab",
		"  ab   ab ": "▁ab ▁ab", // white space counts once
		"a[x]b":      "▁ a [x] b",
		"zzz":        "▁ <unk>",
		"\xff":       "▁ <unk>",
		"<s>ab":      "<s> ▁ab",
		"   ":        "",
	} {
		if got := spell(tok, encoded(tok, text, Options{ParseSpecial: true})); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := spell(tok, encoded(tok, "b", Options{AddSpecial: true})); got != "<s> ▁ b" {
		t.Errorf("with BOS: got %q", got)
	}
}

func TestSentencePieceUnigramFavoursUserDefinedTokens(t *testing.T) {
	pieces := append([]vocabtest.Piece{}, toyPieces...)
	pieces = append(pieces, vocabtest.Piece{Text: "[", Score: -1.5, Type: int32(TypeNormal)}, vocabtest.Piece{Text: "x", Score: -1.5, Type: int32(TypeNormal)}, vocabtest.Piece{Text: "]", Score: -1.5, Type: int32(TypeNormal)})
	tok, err := FromSentencePiece(vocabtest.SentencePiece(1, false, pieces...))
	if err != nil {
		t.Fatal(err)
	}
	if got := spell(tok, encoded(tok, "ab[x]", Options{AddSpecial: true})); got != "▁ab [x] </s>" {
		t.Errorf("got %q", got)
	}
}

func TestRefusesCorruptSentencePieceModels(t *testing.T) {
	for name, raw := range map[string][]byte{
		"empty":         nil,
		"cut off":       vocabtest.SentencePiece(2, false, toyPieces...)[:20],
		"piece twice":   vocabtest.SentencePiece(2, false, vocabtest.Piece{Text: "a", Score: 0, Type: int32(TypeNormal)}, vocabtest.Piece{Text: "a", Score: 0, Type: int32(TypeNormal)}),
		"unknown type":  vocabtest.SentencePiece(2, false, vocabtest.Piece{Text: "a", Score: 0, Type: 9}),
		"score is NaN":  vocabtest.SentencePiece(2, false, vocabtest.Piece{Text: "a", Score: float32(math.NaN()), Type: int32(TypeNormal)}),
		"huge length":   {0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F},
		"no field tags": []byte("this is text, not a model"),
	} {
		if _, err := FromSentencePiece(raw); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := FromSentencePiece(vocabtest.SentencePiece(3, false, toyPieces...)); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("word model: got %v", err)
	}
}

// A double array that turns "ﬁ" into "fi", built by hand: from the root, whose
// base is 256, the bytes EF AC 81 lead to units 256^EF, then with base 0 on to
// the next; the leaf's base leads to the value.
func TestCharsmapReplacesTheLongestMatch(t *testing.T) {
	units := make([]uint32, 1024)
	units[0] = 256 << 10
	put := func(at, label, base uint32, leaf bool) {
		units[at] = label | base<<10
		if leaf {
			units[at] |= 1 << 8
		}
	}
	first := uint32(256 ^ 0xEF)
	put(first, 0xEF, first^512, false) // children at 512 ^ byte
	second := uint32(512 ^ 0xAC)
	put(second, 0xAC, second^768, false)
	third := uint32(768 ^ 0x81)
	put(third, 0x81, third^1000, true)
	units[1000] = 1 << 31 // replacement at offset 0
	blob := binary.LittleEndian.AppendUint32(nil, uint32(4*len(units)))
	for _, u := range units {
		blob = binary.LittleEndian.AppendUint32(blob, u)
	}
	m, err := newCharsmap(append(blob, "fi\x00"...))
	if err != nil {
		t.Fatal(err)
	}
	n := &normalizer{chars: m, escape: true, prefix: true, merge: true}
	if got := n.sentencePiece(pattern.NewWork(t.Context(), 100), "  ﬁx  ﬂ \xff"); got != "▁fix▁ﬂ▁\uFFFD" {
		t.Errorf("got %q", got)
	}
	if got := n.llama(pattern.NewWork(t.Context(), 100), "ﬁx  a "); got != "▁fix▁a" {
		t.Errorf("llama: got %q", got)
	}
	if n, with := m.longest("ﬁ"); n != 3 || with != "fi" {
		t.Errorf("got %d, %q", n, with)
	}
}
