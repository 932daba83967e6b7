package tokenizer

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/oracle"
	"github.com/f190792d/mq/internal/vocabtest"
)

// classified fails the test for an error without a class.
func classified(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, fault.ErrCorrupt) && !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("error without a class: %v", err)
	}
}

// hardText has what rules differ on: contractions, numbers, blanks, scripts.
const hardText = "I'm sure they'll've SAID it's DON'T; HTTPServer  two   three\t\n\n 1234567 3.14 a+b==c нещо 你好，世界 🚀 ©"

// exercise runs a tokenizer that hostile input made.
func exercise(tok *Tokenizer) {
	for _, text := range []string{"", "ab <x> \n 12 é\xff 你好", hardText, strings.Repeat("ab", 500)} {
		ids, err := tok.Encode(context.Background(), text, Options{AddSpecial: true, ParseSpecial: true})
		if err == nil { // else the pattern took too long
			tok.Decode(ids)
		}
	}
	tok.TokenBytes(-1)
	tok.TokenBytes(1 << 30)
}

func FuzzTokenizerJSON(f *testing.F) {
	f.Add(toyJSON(toyBPE, `"pre_tokenizer":{"type":"ByteLevel"}`, `"added_tokens":[{"id":9,"content":"<x>","special":true,"normalized":true}]`))
	f.Add(toyJSON(`{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1]]}`, `"pre_tokenizer":{"type":"Metaspace"}`))
	f.Add(toyJSON(`{"type":"WordPiece","vocab":{"a":0,"##b":1}}`, `"normalizer":{"type":"BertNormalizer"}`))
	f.Add(toyJSON(toyBPE, `"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a|b)+[^\\s\\p{L}]|\\d{1,3}"},"behavior":"MergedWithNext"}`))
	f.Add(toyJSON(toyBPE, `"normalizer":{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAABhAA=="}`))
	f.Add(toyJSON(toyBPE, `"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(){1024}{1024}{1024}"},"behavior":"Isolated"}`))
	f.Add(toyJSON(toyBPE, `"pre_tokenizer":{"type":"Split","pattern":{"Regex":"((a|ab|b)+)+x(?!y)"},"behavior":"Isolated"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		oracle.Watched(t, len(raw), func() {
			tok, err := FromJSON(raw, raw)
			classified(t, err)
			if err == nil {
				exercise(tok)
			}
		})
	})
}

var toyPieces = []vocabtest.Piece{{Text: "<unk>", Score: 0, Type: int32(TypeUnknown)}, {Text: "<s>", Score: 0, Type: int32(TypeControl)}, {Text: "</s>", Score: 0, Type: int32(TypeControl)}, {Text: "▁", Score: -1, Type: int32(TypeNormal)},
	{Text: "a", Score: -2, Type: int32(TypeNormal)}, {Text: "b", Score: -3, Type: int32(TypeNormal)}, {Text: "ab", Score: -4, Type: int32(TypeNormal)}, {Text: "▁ab", Score: -5, Type: int32(TypeNormal)}, {Text: "[x]", Score: 0, Type: int32(TypeUserDefined)}}

func FuzzSentencePiece(f *testing.F) {
	f.Add(vocabtest.SentencePiece(1, false, toyPieces...))
	f.Add(vocabtest.SentencePiece(2, true, toyPieces...))
	f.Add([]byte{0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F})
	f.Fuzz(func(t *testing.T, raw []byte) {
		oracle.Watched(t, len(raw), func() {
			tok, err := FromSentencePiece(raw)
			classified(t, err)
			if err == nil {
				exercise(tok)
			}
		})
	})
}

func FuzzRankFiles(f *testing.F) {
	f.Add([]byte("YQ== 0\nYg== 1\nYWI= 2\n"))
	f.Add([]byte(`{"config":{"pattern":"a+","default_vocab_size":300,"default_num_special_tokens":10},"vocab":[{"rank":0,"token_bytes":"AA=="}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		oracle.Watched(t, len(raw), func() {
			_, err := FromTiktoken(raw, TiktokenOptions{})
			classified(t, err)
			_, err = FromTekken(raw)
			classified(t, err)
		})
	})
}

// What encoding/json takes for JSON the reader of tokenizer.json does, too, and
// it reads the same strings.
func FuzzJSONReader(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.5e3,true,null,"\\u00e9\\ud83d\\ude00"],"b":{}}`, ` "x\"y" `, `[[[]]]`, `{"a":}`, `[1 2]`, "\"\xff\"", `{"a":1,}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		oracle.Watched(t, len(text), func() {
			r := &jsonReader{text: text}
			span, err := r.span()
			if err == nil {
				err = r.end()
			}
			if json.Valid([]byte(text)) && strings.Count(text, "[")+strings.Count(text, "{") <= maxJSONDepth && (err != nil || strings.TrimSpace(text) != span) {
				t.Errorf("%q: %q, %v", text, span, err)
			}
			var want string
			if err := json.Unmarshal([]byte(text), &want); err != nil || !strings.HasPrefix(strings.TrimSpace(text), `"`) || !utf8.ValidString(text) {
				return
			}
			r = &jsonReader{text: text}
			if got, err := r.string(); got != want || err != nil {
				t.Errorf("%q: %q, %v, want %q", text, got, err, want)
			}
		})
	})
}

// A byte-level vocabulary keeps every text.
func FuzzEncodeKeepsText(f *testing.F) {
	tok := openStories(f)
	for _, text := range vocabtest.Sample() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			text = strings.ToValidUTF8(text, "\uFFFD")
		}
		for _, parse := range []bool{false, true} {
			if got := tok.Decode(encoded(tok, text, Options{ParseSpecial: parse})); got != text {
				t.Errorf("%q became %q", text, got)
			}
		}
	})
}
