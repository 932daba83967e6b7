package tokenizer

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/vocabtest"
)

// classified fails the test for an error without a class.
func classified(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, fault.ErrCorrupt) && !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("error without a class: %v", err)
	}
}

// exercise runs a tokenizer that hostile input made.
func exercise(tok *Tokenizer) {
	for _, text := range []string{"", "ab <x> \n 12 é\xff 你好", probe, strings.Repeat("ab", 500)} {
		ids := tok.Encode(text, Options{AddSpecial: true, ParseSpecial: true})
		tok.Decode(ids)
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
	f.Fuzz(func(t *testing.T, raw []byte) {
		tok, err := FromJSON(raw, raw)
		classified(t, err)
		if err == nil {
			exercise(tok)
		}
		_, err = DetectPre(raw)
		classified(t, err)
		tok, err = FromCheckpoint(memFiles{"tokenizer.json": raw, "tokenizer_config.json": raw, "config.json": []byte("{}")}, CheckpointOptions{})
		classified(t, err)
		if err == nil {
			exercise(tok)
		}
	})
}

// toyModel is a SentencePiece model file with pieces of text, score and type.
func toyModel(algorithm uint64, fallback bool, pieces ...entry) []byte {
	var raw []byte
	for _, p := range pieces {
		var m []byte
		m = protowire.AppendString(protowire.AppendTag(m, 1, protowire.BytesType), p.text)
		m = protowire.AppendFixed32(protowire.AppendTag(m, 2, protowire.Fixed32Type), floatBits(p.score))
		m = protowire.AppendVarint(protowire.AppendTag(m, 3, protowire.VarintType), uint64(p.kind))
		raw = protowire.AppendBytes(protowire.AppendTag(raw, 1, protowire.BytesType), m)
	}
	var trainer []byte
	trainer = protowire.AppendVarint(protowire.AppendTag(trainer, 3, protowire.VarintType), algorithm)
	trainer = protowire.AppendVarint(protowire.AppendTag(trainer, 35, protowire.VarintType), protowire.EncodeBool(fallback))
	return protowire.AppendBytes(protowire.AppendTag(raw, 2, protowire.BytesType), trainer)
}

var toyPieces = []entry{{"<unk>", 0, TypeUnknown}, {"<s>", 0, TypeControl}, {"</s>", 0, TypeControl}, {"▁", -1, TypeNormal},
	{"a", -2, TypeNormal}, {"b", -3, TypeNormal}, {"ab", -4, TypeNormal}, {"▁ab", -5, TypeNormal}, {"[x]", 0, TypeUserDefined}}

func FuzzSentencePiece(f *testing.F) {
	f.Add(toyModel(1, false, toyPieces...))
	f.Add(toyModel(2, true, toyPieces...))
	f.Add([]byte{0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F})
	f.Fuzz(func(t *testing.T, raw []byte) {
		tok, err := FromSentencePiece(raw)
		classified(t, err)
		if err == nil {
			exercise(tok)
		}
		tok, err = FromCheckpoint(memFiles{"tokenizer.model": raw}, CheckpointOptions{})
		classified(t, err)
		if err == nil {
			exercise(tok)
		}
	})
}

func FuzzRankFiles(f *testing.F) {
	f.Add([]byte("YQ== 0\nYg== 1\nYWI= 2\n"))
	f.Add([]byte(`{"config":{"pattern":"a+","default_vocab_size":300,"default_num_special_tokens":10},"vocab":[{"rank":0,"token_bytes":"AA=="}]}`))
	f.Add([]byte("1 'a' 1\n2 b'\\xff' 1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, err := FromTiktoken(raw, TiktokenOptions{})
		classified(t, err)
		_, err = FromTekken(raw)
		classified(t, err)
		for _, name := range []string{"qwen.tiktoken", "tiktoken.model", "tekken.json", "rwkv_vocab_v20230424.txt", "tokenizer.jsonl"} {
			_, err = FromCheckpoint(memFiles{name: raw}, CheckpointOptions{})
			classified(t, err)
		}
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
			if got := tok.Decode(tok.Encode(text, Options{ParseSpecial: parse})); got != text {
				t.Errorf("%q became %q", text, got)
			}
		}
	})
}
