package tokenizer

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// toyKVs are key-values with n tokens of type normal, then changed.
func toyKVs(model string, tokens []string, more ...gguf.KV) gguf.KVs {
	types := make([]int32, len(tokens))
	for i, text := range tokens {
		types[i] = int32(TypeNormal)
		switch {
		case strings.HasPrefix(text, "<0x"):
			types[i] = int32(TypeByte)
		case text == "<unk>":
			types[i] = int32(TypeUnknown)
		case strings.HasPrefix(text, "<"):
			types[i] = int32(TypeControl)
		}
	}
	kvs := gguf.KVs{{Key: "tokenizer.ggml.model", Value: model}, {Key: "tokenizer.ggml.tokens", Value: tokens}, {Key: "tokenizer.ggml.token_type", Value: types}}
	for _, kv := range more {
		kvs.Set(kv.Key, kv.Value)
	}
	return kvs
}

func mustGGUF(t *testing.T, kvs gguf.KVs) *Tokenizer {
	t.Helper()
	tok, err := FromGGUF(kvs)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// spell writes ids as the spelling of their tokens.
func spell(tok *Tokenizer, ids []int32) string {
	var out []string
	for _, id := range ids {
		text, _, _ := tok.Token(id)
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestBPEMakesTheLowestMergeFirst(t *testing.T) {
	// "abab": b+a comes before a+b, so that the middle is merged first.
	tokens := []string{"a", "b", "ba", "ab", "aba", "Ġ", "Ġa"}
	kvs := toyKVs("gpt2", tokens, gguf.KV{Key: "tokenizer.ggml.pre", Value: "gpt-2"},
		gguf.KV{Key: "tokenizer.ggml.merges", Value: []string{"b a", "a b", "a ba", "Ġ a"}})
	tok := mustGGUF(t, kvs)
	for text, want := range map[string]string{
		"abab": "aba b",
		"ab":   "ab",
		"aab":  "a ab",
		"b a":  "b Ġa",
		"":     "",
		"x":    "",
	} {
		if got := spell(tok, encoded(tok, text, Options{})); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestBPEMergesStringsThatAreNoTokens(t *testing.T) {
	// "ab" is only a step to "abc"; where it stays, its letters come out.
	kvs := toyKVs("gpt2", []string{"a", "b", "c", "abc"}, gguf.KV{Key: "tokenizer.ggml.pre", Value: "gpt-2"},
		gguf.KV{Key: "tokenizer.ggml.merges", Value: []string{"a b", "ab c"}})
	tok := mustGGUF(t, kvs)
	if got := spell(tok, encoded(tok, "abcab", Options{})); got != "abc a b" {
		t.Errorf("got %q", got)
	}
}

func TestSPMMakesTheBestScoreFirstAndFallsBackToBytes(t *testing.T) {
	tokens := []string{"<unk>", "<s>", "</s>", "▁", "h", "i", "hi", "▁h", "▁hi", "<0xC3>", "<0xA9>"}
	scores := []float32{0, 0, 0, -1, -2, -3, -0.5, -4, -5, 0, 0}
	tok := mustGGUF(t, toyKVs("llama", tokens, gguf.KV{Key: "tokenizer.ggml.scores", Value: scores}))
	for text, want := range map[string]string{
		"hi":       "▁hi",
		"hih":      "▁hi h",
		"hi hi":    "▁hi ▁hi",
		"é":        "▁ <0xC3> <0xA9>",
		"i<s>":     "▁ i <s>",
		"<s>hi":    "<s> ▁hi",
		"z":        "▁ <unk>",
		"hi</s>hi": "▁hi </s> ▁hi",
	} {
		ids := encoded(tok, text, Options{ParseSpecial: true})
		if got := spell(tok, ids); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := spell(tok, encoded(tok, "hi", Options{AddSpecial: true})); got != "<s> ▁hi" {
		t.Errorf("with BOS: got %q", got)
	}
	if got := tok.Decode(encoded(tok, "hi hié", Options{})); got != "hi hié" {
		t.Errorf("decoded %q", got)
	}
}

func TestUnigramTakesTheMostProbableTokens(t *testing.T) {
	tokens := []string{"<pad>", "</s>", "<unk>", "▁", "a", "b", "ab", "▁ab", "abb"}
	scores := []float32{0, 0, 0, -2, -3, -3, -4, -7, -5}
	kvs := toyKVs("t5", tokens, gguf.KV{Key: "tokenizer.ggml.scores", Value: scores}, gguf.KV{Key: "tokenizer.ggml.add_space_prefix", Value: true})
	tok := mustGGUF(t, kvs)
	for text, want := range map[string]string{
		"ab":   "▁ ab",  // -6 beats -7
		"abb":  "▁ abb", // -7 beats -9
		"abxy": "▁ ab <unk>",
		"":     "",
	} {
		if got := spell(tok, encoded(tok, text, Options{})); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := spell(tok, encoded(tok, "ab", Options{AddSpecial: true})); got != "▁ ab </s>" {
		t.Errorf("with EOS: got %q", got)
	}
}

func TestWordPieceTakesTheLongestPieceOrGivesTheWordUp(t *testing.T) {
	tokens := []string{"<pad>", "▁un", "▁unaff", "aff", "able", "▁,", "▁cafe", "<unk>", "<cls>", "<sep>"}
	kvs := toyKVs("bert", tokens,
		gguf.KV{Key: "tokenizer.ggml.unknown_token_id", Value: uint32(7)}, gguf.KV{Key: "tokenizer.ggml.bos_token_id", Value: uint32(8)},
		gguf.KV{Key: "tokenizer.ggml.seperator_token_id", Value: uint32(9)})
	tok := mustGGUF(t, kvs)
	for text, want := range map[string]string{
		"Unaffable":    "<cls> ▁unaff able <sep>",
		"unable, CAFÉ": "<cls> ▁un able ▁, ▁cafe <sep>",
		"unx unaff":    "<cls> <unk> ▁unaff <sep>",
	} {
		if got := spell(tok, encoded(tok, text, Options{AddSpecial: true})); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestRWKVTakesTheLongestToken(t *testing.T) {
	tok := mustGGUF(t, toyKVs("rwkv", []string{"<s>", "a", "ab", `\n`, `\xe2\x82`, `\x82`, `\xac`, `\\`, `\xe2`}))
	got := encoded(tok, "aba\n\u20ac\\", Options{})
	if diff := cmp.Diff([]int32{2, 1, 3, 4, 6, 7}, got); diff != "" {
		t.Error(diff)
	}
	if text := tok.Decode(got); text != "aba\n\u20ac\\" {
		t.Errorf("decoded %q", text)
	}
}

func TestPLaMoTakesTheCheapestTokens(t *testing.T) {
	tokens := []string{"<unk>", "<s>", "</s>", "a", "b", "ab", "abc"}
	scores := []float32{-100, -100, -100, -1, -1, -1.5, -9}
	for b := range 256 {
		tokens = append(tokens, byteToken(byte(b)))
		scores = append(scores, 0)
	}
	tok := mustGGUF(t, toyKVs("plamo2", tokens, gguf.KV{Key: "tokenizer.ggml.scores", Value: scores}))
	for text, want := range map[string]string{
		"ab":       "ab",
		"abc":      "abc", // nothing spells c alone
		"ac":       "a <0x63>",
		"\uFEFFba": "b a",
		"é":        "<0xC3> <0xA9>",
	} {
		if got := spell(tok, encoded(tok, text, Options{})); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestTiktokenMergesByRank(t *testing.T) {
	var file strings.Builder
	line := func(token string, rank int) {
		file.WriteString(encode64(token) + " " + itoa(rank) + "\n")
	}
	for b := range 256 {
		line(string([]byte{byte(b)}), b)
	}
	line("he", 256)
	line("ll", 257)
	line("hell", 258)
	line(" hello", 259)
	tok, err := FromTiktoken([]byte(file.String()), TiktokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int32{258, 'o', 259, 260 + 2}, encoded(tok, "hello hello<|im_end|>", Options{ParseSpecial: true})); diff != "" {
		t.Error(diff)
	}
	m := newRanked([]string{"a", "b", "ab", "aba"}, 0)
	if left, right, ok := m.halves(new(bpeState), "aba", 3); left != "ab" || right != "a" || !ok {
		t.Errorf("halves of aba: %q, %q, %v", left, right, ok)
	}
}

func TestRefusesCorruptKeyValues(t *testing.T) {
	good := []string{"a", "b", "ab"}
	gpt2 := gguf.KV{Key: "tokenizer.ggml.pre", Value: "gpt-2"}
	merges := func(m ...string) gguf.KV { return gguf.KV{Key: "tokenizer.ggml.merges", Value: m} }
	tests := map[string]struct {
		kvs   gguf.KVs
		class error
	}{
		"no model":            {nil, fault.ErrCorrupt},
		"unknown model":       {toyKVs("word2vec", good), fault.ErrUnsupported},
		"unknown pre":         {toyKVs("gpt2", good, gguf.KV{Key: "tokenizer.ggml.pre", Value: "nobody"}, merges()), fault.ErrUnsupported},
		"no tokens":           {gguf.KVs{{Key: "tokenizer.ggml.model", Value: "llama"}}, fault.ErrCorrupt},
		"tokens are numbers":  {gguf.KVs{{Key: "tokenizer.ggml.model", Value: "llama"}, {Key: "tokenizer.ggml.tokens", Value: []int32{1}}}, fault.ErrCorrupt},
		"no merges":           {toyKVs("gpt2", good, gpt2), fault.ErrCorrupt},
		"merge without space": {toyKVs("gpt2", good, gpt2, merges("ab")), fault.ErrCorrupt},
		"merge ends in space": {toyKVs("gpt2", good, gpt2, merges("a ")), fault.ErrCorrupt},
		"empty merge":         {toyKVs("gpt2", good, gpt2, merges("")), fault.ErrCorrupt},
		"token twice":         {toyKVs("llama", []string{"a", "a"}), fault.ErrCorrupt},
		"few scores":          {toyKVs("llama", good, gguf.KV{Key: "tokenizer.ggml.scores", Value: []float32{1}}), fault.ErrCorrupt},
		"few types":           {toyKVs("llama", good, gguf.KV{Key: "tokenizer.ggml.token_type", Value: []int32{1}}), fault.ErrCorrupt},
		"plamo without bytes": {toyKVs("plamo2", good), fault.ErrCorrupt},
		"short charsmap":      {toyKVs("t5", good, gguf.KV{Key: "tokenizer.ggml.precompiled_charsmap", Value: []uint8{255, 255, 255, 255, 0}}), fault.ErrCorrupt},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := FromGGUF(test.kvs); !errors.Is(err, test.class) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSpecialIDsOutOfRangeDoNotCount(t *testing.T) {
	tok := mustGGUF(t, toyKVs("llama", []string{"a", "b"}, gguf.KV{Key: "tokenizer.ggml.bos_token_id", Value: uint32(math.MaxUint32)},
		gguf.KV{Key: "tokenizer.ggml.eos_token_id", Value: uint32(1)}))
	if id, ok := tok.Special("eos"); id != 1 || !ok {
		t.Errorf("eos is %d, %v", id, ok)
	}
	if id, ok := tok.Special("bos"); ok && id != 1 {
		t.Errorf("bos is %d", id)
	}
}

func TestLongWordsTakeNearLinearTime(t *testing.T) {
	tok := openStories(t)
	text := strings.Repeat("abcdefghij", 100_000) // one word of a million letters
	if got := tok.Decode(encoded(tok, text, Options{})); got != text {
		t.Error("text changed")
	}
	tok = mustGGUF(t, toyKVs("llama", []string{"<unk>", "<s>", "</s>", "a", "aa", "aaaa", "▁"},
		gguf.KV{Key: "tokenizer.ggml.scores", Value: []float32{0, 0, 0, 0, -1, -2, 0}}))
	if n := len(encoded(tok, strings.Repeat("a", 1_000_000), Options{})); n != 250_001 {
		t.Errorf("got %d tokens", n)
	}
}
