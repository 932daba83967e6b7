package tokenizer

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/vocabtest"
)

// toyJSON is a tokenizer.json with the parts given.
func toyJSON(model string, parts ...string) []byte {
	return []byte(`{"model":` + model + strings.Join(append([]string{""}, parts...), ",") + `}`)
}

const toyBPE = `{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"Ġab":4},"merges":["a b",["Ġ","ab"]]}`

func mustJSON(t *testing.T, file []byte) *Tokenizer {
	t.Helper()
	tok, err := FromJSON(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestAddedTokensAreFoundFirst(t *testing.T) {
	tok := mustJSON(t, toyJSON(toyBPE, `"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}`, `"added_tokens":[
		{"id":5,"content":"<x>","special":true}, {"id":6,"content":"<x>y","special":false},
		{"id":7,"content":"[l]","lstrip":true}, {"id":8,"content":"[r]","rstrip":true}, {"id":9,"content":"ba","single_word":true}]`))
	for text, want := range map[string]string{
		"ab<x>ab":     "ab <x> ab",
		"<x>yab":      "<x>y ab", // the longest
		"ab  [l]b":    "ab [l] b",
		"a[r] \nb":    "a [r] b",
		"abab":        "ab ab",
		"ba":          "ba",
		"ab ab":       "ab Ġab",
		"a<x><x>yb":   "a <x> <x>y b",
		" ab":         "Ġab",
		"[l][r][l]ab": "[l] [r] [l] ab",
	} {
		if got := spell(tok, encoded(tok, text, Options{ParseSpecial: true})); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := spell(tok, encoded(tok, "b<x>b<x>yb", Options{})); got != "b b <x>y b" {
		t.Errorf("without special tokens: got %q", got)
	}
}

func TestIgnoreMergesTakesWholeWords(t *testing.T) {
	model := strings.Replace(toyBPE, `"merges"`, `"ignore_merges":true,"merges"`, 1)
	model = strings.Replace(model, `"ab":2`, `"ab":2,"abb":5`, 1)
	tok := mustJSON(t, toyJSON(model, `"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}`))
	if got := spell(tok, encoded(tok, "abb abb", Options{})); got != "abb Ġab b" {
		t.Errorf("got %q", got)
	}
}

func TestByteFallbackOrUnknown(t *testing.T) {
	vocab := `"<unk>":0,"▁":1,"a":2,"<0xC3>":3,"<0xA9>":4`
	base := `{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"vocab":{` + vocab + `},"merges":[]}`
	norm := `"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}`
	tok := mustJSON(t, toyJSON(base, norm))
	for text, want := range map[string]string{
		"é":    "▁ <0xC3> <0xA9>",
		"aèa":  "▁ a <unk> a", // a byte of it is missing
		"xyza": "▁ <unk> a",
		"a a":  "▁ a ▁ a",
	} {
		if got := spell(tok, encoded(tok, text, Options{})); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestTemplateSurroundsTheText(t *testing.T) {
	post := `"added_tokens":[{"id":5,"content":"<s>","special":true},{"id":6,"content":"</s>","special":true}],"post_processor":{"type":"TemplateProcessing",
		"single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"</s>"}}],
		"special_tokens":{"<s>":{"ids":[5]},"</s>":{"ids":[6]}}}`
	tok, err := FromJSON(toyJSON(toyBPE, `"pre_tokenizer":{"type":"ByteLevel"}`, post), []byte(`{"bos_token":"<s>","eos_token":{"content":"</s>"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int32{5, 2, 6}, encoded(tok, "ab", Options{AddSpecial: true})); diff != "" {
		t.Error(diff)
	}
	if !tok.AddsBOS() || !tok.AddsEOS() {
		t.Errorf("adds BOS %v, EOS %v", tok.AddsBOS(), tok.AddsEOS())
	}
}

func TestOtherModelsOfTokenizerJSON(t *testing.T) {
	wordPiece := `{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"un":1,"##able":2,"##a":3,"!":4,"cafe":5}}`
	tok := mustJSON(t, toyJSON(wordPiece, `"normalizer":{"type":"BertNormalizer","lowercase":true}`, `"pre_tokenizer":{"type":"BertPreTokenizer"}`, `"decoder":{"type":"WordPiece"}`))
	ids := encoded(tok, "Unable! Café x", Options{})
	if got := spell(tok, ids); got != "un ##able ! cafe [UNK]" {
		t.Errorf("WordPiece: got %q", got)
	}
	if got := tok.Decode(ids[:2]); got != "unable" {
		t.Errorf("WordPiece decoded %q", got)
	}
	unigram := `{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["▁",-2],["▁a",-3],["a",-2.5],["b",-3]]}`
	tok = mustJSON(t, toyJSON(unigram, `"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}`))
	if got := spell(tok, encoded(tok, "a ba zz", Options{})); got != "▁a ▁ b a ▁ <unk>" {
		t.Errorf("Unigram: got %q", got)
	}
	tok = mustJSON(t, toyJSON(`{"type":"WordLevel","unk_token":"?","vocab":{"?":0,"hi":1}}`, `"pre_tokenizer":{"type":"Whitespace"}`))
	if got := spell(tok, encoded(tok, "hi there hi", Options{})); got != "hi ? hi" {
		t.Errorf("WordLevel: got %q", got)
	}
}

func TestRefusesCorruptTokenizerJSON(t *testing.T) {
	tests := map[string]struct {
		file  string
		class error
	}{
		"no JSON":            {`{`, fault.ErrCorrupt},
		"no vocabulary":      {`{}`, fault.ErrCorrupt},
		"unknown model":      {`{"model":{"type":"Magic","vocab":{}}}`, fault.ErrUnsupported},
		"same id twice":      {`{"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}}`, fault.ErrCorrupt},
		"negative id":        {`{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}`, fault.ErrCorrupt},
		"huge id":            {`{"model":{"type":"BPE","vocab":{"a":2000000000},"merges":[]}}`, fault.ErrCorrupt},
		"id beyond 32 bits":  {`{"model":{"type":"BPE","vocab":{"a":99999999999},"merges":[]}}`, fault.ErrCorrupt},
		"huge added id":      {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"added_tokens":[{"id":9000000000,"content":"x"}]}`, fault.ErrCorrupt},
		"unknown merge":      {`{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}`, fault.ErrCorrupt},
		"merge of one":       {`{"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}}`, fault.ErrCorrupt},
		"merge of three":     {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","a","a"]]}}`, fault.ErrCorrupt},
		"merge of numbers":   {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[[1,2]]}}`, fault.ErrCorrupt},
		"deep merges":        {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[[["a","a"]]]}}`, fault.ErrCorrupt},
		"empty merge":        {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a",""]]}}`, fault.ErrCorrupt},
		"unk out of range":   {`{"model":{"type":"Unigram","vocab":[["a",0]],"unk_id":5}}`, fault.ErrCorrupt},
		"unigram of strings": {`{"model":{"type":"Unigram","vocab":[["a","b"]]}}`, fault.ErrCorrupt},
		"template id":        {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}],"special_tokens":{"x":{"ids":[7]}}}}`, fault.ErrCorrupt},
		"processor id":       {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"post_processor":{"type":"BertProcessing","cls":["x",7],"sep":["y",0]}}`, fault.ErrCorrupt},
		"unknown splitter":   {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Magic"}}`, fault.ErrUnsupported},
		"unknown normalizer": {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Magic"}}`, fault.ErrUnsupported},
		"look-behind":        {`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?<=a)b"},"behavior":"Isolated"}}`, fault.ErrUnsupported},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := FromJSON([]byte(test.file), nil); !errors.Is(err, test.class) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEncodesFromManyGoroutines(t *testing.T) {
	tok := openStories(t)
	texts := vocabtest.Sample()
	want := idLines(tok, texts, Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if idLines(tok, texts, Options{}) != want {
				t.Error("ids differ")
			}
		})
	}
	wg.Wait()
}

// mapFiles are the files of a checkpoint, by name.
type mapFiles map[string][]byte

func (m mapFiles) ReadFile(name string) ([]byte, error) {
	raw, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return raw, nil
}

func TestFoldersNormalizeAsTheirLibraryDoes(t *testing.T) {
	file := toyJSON(`{"type":"BPE","vocab":{"Ã":0,"©":1,"Ã©":2,"e":3,"Ì":4,"ģ":5},"merges":["Ã ©"]}`,
		`"normalizer":{"type":"NFC"}`, `"pre_tokenizer":{"type":"ByteLevel","use_regex":false}`)
	tok, err := FromCheckpoint(mapFiles{"tokenizer.json": file})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"\u00e9", "e\u0301"} {
		if got := spell(tok, encoded(tok, text, Options{})); got != "Ã©" {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestConfigurationDecidesWhatStandsAroundAText(t *testing.T) {
	const parts = `"added_tokens":[{"id":7,"content":"<s>","special":true},{"id":8,"content":"</s>","special":true}],
		"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"</s>"}}],
		"special_tokens":{"</s>":{"ids":[8]}}},"pre_tokenizer":{"type":"ByteLevel"}`
	for config, want := range map[string]string{
		`{"bos_token":"<s>","eos_token":"</s>"}`:                                           "ab </s>",
		`{"bos_token":"<s>","eos_token":"</s>","add_bos_token":true}`:                      "<s> ab",
		`{"bos_token":"<s>","eos_token":{"content":"</s>"},"add_bos_token":false}`:         "ab",
		`{"bos_token":"<s>","eos_token":"</s>","add_bos_token":true,"add_eos_token":true}`: "<s> ab </s>",
		`{"eos_token":"</s>","add_bos_token":true,"add_eos_token":false}`:                  "ab",
	} {
		tok, err := FromCheckpoint(mapFiles{"tokenizer.json": toyJSON(toyBPE, parts), "tokenizer_config.json": []byte(config)})
		if err != nil {
			t.Fatal(err)
		}
		if got := spell(tok, encoded(tok, "ab", Options{AddSpecial: true})); got != want {
			t.Errorf("%s: got %q, want %q", config, got, want)
		}
	}
}
