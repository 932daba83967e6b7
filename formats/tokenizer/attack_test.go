package tokenizer

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/oracle"
	"github.com/f190792d/mq/internal/vocabtest"
)

// filled repeats a part between a head and a tail up to the size, most times at
// the most if that is not 0, and blanks after that; %d in the part is its
// number.
func filled(size, most int, head, part, tail string) []byte {
	var sb strings.Builder
	sb.Grow(size + 64)
	sb.WriteString(head)
	numbered := strings.Contains(part, "%")
	for i := 0; sb.Len() < size; i++ {
		if most > 0 && i >= most {
			sb.WriteString("                ")
			continue
		}
		if i > 0 {
			sb.WriteByte(',')
		}
		if numbered {
			fmt.Fprintf(&sb, part, i)
		} else {
			sb.WriteString(part)
		}
	}
	sb.WriteString(tail)
	return []byte(sb.String())
}

func TestHostileTokenizerJSONIsBoundInTimeAndMemory(t *testing.T) {
	size := 16 << 20
	if testing.Short() {
		size = 1 << 20
	}
	const model = `"model":{"type":"BPE","vocab":{"a":0},"merges":[]}`
	long := strings.Repeat("x", 4096)
	split := func(pattern string) string {
		return `{"type":"Split","pattern":{"Regex":"` + pattern + `"},"behavior":"Isolated"}`
	}
	for name, raw := range map[string][]byte{
		"empty added tokens": filled(size, maxAdded, `{`+model+`,"added_tokens":[`, `{}`, `]}`),
		"added tokens":       filled(size, maxAdded, `{`+model+`,"added_tokens":[`, `{"id":%[1]d,"content":"t%[1]d"}`, `]}`),
		"long added tokens":  filled(size, maxMerges, `{`+model+`,"added_tokens":[`, `{"id":%[1]d,"content":"`+long+`%[1]d"}`, `]}`),
		"one added token":    []byte(`{` + model + `,"added_tokens":[{"id":1,"content":"` + strings.Repeat("x", size) + `"}]}`),
		"empty steps":        filled(size, 0, `{`+model+`,"normalizer":{"type":"Sequence","normalizers":[`, `{}`, `]}}`),
		"nested sequences": []byte(`{` + model + `,"pre_tokenizer":` + strings.Repeat(`{"type":"Sequence","pretokenizers":[`, size/64) + `{"type":"ByteLevel"}` +
			strings.Repeat("]}", size/64) + `}`),
		"splits":        filled(size/1024, 0, `{`+model+`,"pre_tokenizer":{"type":"Sequence","pretokenizers":[`, split("(a|a)+b"), `]}}`),
		"towers":        []byte(`{` + model + `,"pre_tokenizer":` + split("()"+strings.Repeat("{1}", size/3)) + `}`),
		"products":      []byte(`{` + model + `,"pre_tokenizer":` + split("(){1024}{1024}{1024}{1024}") + `}`),
		"alternatives":  []byte(`{` + model + `,"pre_tokenizer":` + split(strings.Repeat("a|", size/2)) + `}`),
		"tokens":        filled(size, maxTokens, `{"model":{"type":"BPE","merges":[],"vocab":{`, `"%[1]x":%[1]d`, `}}}`),
		"equal tokens":  filled(size, 0, `{"model":{"type":"BPE","merges":[],"vocab":{`, `"":0`, `}}}`),
		"merges":        filled(size, 0, `{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[`, `"a b"`, `]}}`),
		"empty merges":  filled(size, 0, `{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[`, `[]`, `]}}`),
		"scored tokens": filled(size, maxPieces, `{"model":{"type":"Unigram","unk_id":0,"vocab":[`, `["%x",0]`, `]}}`),
		"word pieces":   filled(size, maxPieces, `{"model":{"type":"WordPiece","unk_token":"0","vocab":{`, `"##%[1]x":%[1]d`, `}}}`),
		"long pieces":   filled(size, 0, `{"model":{"type":"WordPiece","unk_token":"0","vocab":{`, `"##`+long+`%[1]x":%[1]d`, `}}}`),
		"charsmap": []byte(`{` + model + `,"normalizer":{"type":"Precompiled","precompiled_charsmap":"` +
			base64.StdEncoding.EncodeToString(append([]byte{4, 0, 0, 0, 0, 0, 0, 0}, make([]byte, size/2)...)) + `"}}`),
		"replacements": filled(size, 0, `{`+model+`,"normalizer":{"type":"Sequence","normalizers":[`, `{"type":"Replace","pattern":{"String":"a"},"content":"aa"}`, `]}}`),
		"brackets":     []byte(`{` + model + `,"x":` + strings.Repeat("[", size)),
		"escapes":      []byte(`{` + model + `,"added_tokens":[{"id":1,"content":"` + strings.Repeat(`\u0041`, size/6) + `"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			oracle.Bounded(t, len(raw), func() {
				tok, err := FromJSON(raw, nil)
				classified(t, err)
				if err == nil {
					exercise(tok)
				}
			})
		})
	}
}

func TestOtherHostileVocabulariesAreBoundInTimeAndMemory(t *testing.T) {
	size := 16 << 20
	if testing.Short() {
		size = 1 << 20
	}
	lines := func(line func(i int) string) []byte {
		var sb strings.Builder
		for i := 0; sb.Len() < size && i < maxRows; i++ {
			sb.WriteString(line(i))
		}
		return []byte(sb.String())
	}
	word := func(i int) string {
		if i < 256 {
			return string([]byte{byte(i)})
		}
		return fmt.Sprintf("%x ", i)
	}
	pieces := func(algorithm uint64) []byte {
		var all []vocabtest.Piece
		for i := range min(size/16, maxPieces) {
			all = append(all, vocabtest.Piece{Text: word(i + 256), Score: float32(-i), Type: 1})
		}
		return vocabtest.SentencePiece(algorithm, false, all...)
	}
	for name, test := range map[string]struct {
		raw   []byte
		build func(raw []byte) (*Tokenizer, error)
	}{
		"ranks": {lines(func(i int) string { return encode64(word(i)) + " " + itoa(i) + "\n" }),
			func(raw []byte) (*Tokenizer, error) { return FromTiktoken(raw, TiktokenOptions{}) }},
		"tekken": {filled(size, 0, `{"config":{"pattern":"a+","default_vocab_size":300000,"default_num_special_tokens":10},"vocab":[`, `{}`, `]}`), FromTekken},
		"tekken, many special tokens": {filled(size, 0, `{"config":{"pattern":"a+","default_vocab_size":300,"default_num_special_tokens":10},"special_tokens":[`,
			`{"rank":%d}`, `]}`), FromTekken},
		"unigram":       {pieces(1), FromSentencePiece},
		"SentencePiece": {pieces(2), FromSentencePiece},
		"empty pieces":  {bytes.Repeat([]byte{0x0A, 0}, size/2), FromSentencePiece},
		"RWKV":          {lines(func(i int) string { return itoa(i+1) + " 'a' 1\n" }), func(raw []byte) (*Tokenizer, error) { return fromRWKV(raw, nil) }},
		"PLaMo":         {lines(func(int) string { return "[\"a\",0]\n" }), func(raw []byte) (*Tokenizer, error) { return fromPLaMo(raw, nil) }},
		"merges of a file": {lines(func(i int) string { return "a b\n" }), func(raw []byte) (*Tokenizer, error) {
			return FromCheckpoint(mapFiles{"tokenizer.json": toyJSON(`{"type":"BPE","vocab":{"a":0,"b":1,"ab":2}}`), "merges.txt": raw})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			oracle.Bounded(t, len(test.raw), func() {
				tok, err := test.build(test.raw)
				classified(t, err)
				if err == nil {
					exercise(tok)
				}
			})
		})
	}
}

func TestHostileKeyValuesAreBoundInTimeAndMemory(t *testing.T) {
	const count, length = 4000, 4000
	tokens, types, scores := make([]string, count), make([]int32, count), make([]float32, count)
	for i := range tokens {
		tokens[i] = strings.Repeat("x", length) + fmt.Sprint(i)
	}
	for _, kind := range []TokenType{TypeNormal, TypeControl, TypeUserDefined} {
		for i := range types {
			types[i] = int32(kind)
		}
		for _, model := range []string{"llama", "t5", "bert", "rwkv", "gpt2"} {
			kvs := gguf.KVs{{Key: key("model"), Value: model}, {Key: key("tokens"), Value: tokens}, {Key: key("token_type"), Value: types},
				{Key: key("scores"), Value: scores}, {Key: key("merges"), Value: []string{"a b"}}, {Key: key("pre"), Value: "gpt-2"}}
			t.Run(fmt.Sprint(model, kind), func(t *testing.T) {
				oracle.Bounded(t, count*length, func() {
					tok, err := FromGGUF(kvs)
					classified(t, err)
					if err == nil {
						exercise(tok)
					}
				})
			})
		}
	}
}

// A text that would take hours is given up at once when the caller is.
func TestAnInterruptEndsEncoding(t *testing.T) {
	tok, err := FromJSON(toyJSON(toyBPE, `"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?=(a|a)+[xb])"},"behavior":"Isolated"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a", 32<<20)
	ctx, cancel := context.WithCancel(context.Background())
	var ended time.Time
	time.AfterFunc(50*time.Millisecond, func() {
		ended = time.Now()
		cancel()
	})
	if _, err := tok.Encode(ctx, text, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if late := time.Since(ended); late > 5*time.Second { // 0.2 s where the processor is free
		t.Errorf("it went on for %v", late)
	}
}

func TestATextThatTakesTooManyStepsIsAnError(t *testing.T) {
	tok, err := FromJSON(toyJSON(toyBPE, `"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?=(a|a)+[xb])"},"behavior":"Isolated"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tok.Encode(t.Context(), strings.Repeat("a", 300), Options{}); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
