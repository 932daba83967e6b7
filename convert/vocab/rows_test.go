package vocab

import (
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/internal/vocabtest"
)

// edited are the files of the first test checkpoint with changes to the
// objects in them; nil takes a file away.
func edited(t testing.TB, edits map[string]func(object map[string]any)) memFiles {
	t.Helper()
	files := maps.Clone(testCheckpoints[0].files(t))
	for name, edit := range edits {
		if edit == nil {
			delete(files, name)
			continue
		}
		var object map[string]any
		if err := json.Unmarshal(files[name], &object); err != nil {
			t.Fatal(err)
		}
		edit(object)
		files[name], _ = json.Marshal(object)
	}
	return files
}

// added puts tokens after those of tokenizer.json.
func added(tokens ...string) func(file map[string]any) {
	return func(file map[string]any) {
		for i, text := range tokens {
			file["added_tokens"] = append(file["added_tokens"].([]any), map[string]any{"id": 1024 + i, "content": text, "special": true})
		}
	}
}

// byteFallback makes a vocabulary of characters, which has no other file.
func byteFallback(added int) []byte {
	vocab := map[string]int{"<unk>": 0, "<s>": 1, "</s>": 2, "▁": 259, "a": 260, "b": 261, "ab": 262, "▁ab": 263}
	for b := range 256 {
		const hex = "0123456789ABCDEF"
		vocab["<0x"+string(hex[b>>4])+string(hex[b&15])+">"] = 3 + b
	}
	tokens := []any{}
	for i := range added {
		tokens = append(tokens, map[string]any{"id": 264 + i, "content": "<extra" + strconv.Itoa(i) + ">", "special": true})
	}
	raw, _ := json.Marshal(map[string]any{
		"added_tokens": tokens,
		"normalizer": map[string]any{"type": "Sequence", "normalizers": []any{
			map[string]any{"type": "Prepend", "prepend": "▁"},
			map[string]any{"type": "Replace", "pattern": map[string]any{"String": " "}, "content": "▁"},
		}},
		"decoder": map[string]any{"type": "Replace", "pattern": map[string]any{"String": "▁"}, "content": " "},
		"model":   map[string]any{"type": "BPE", "vocab": vocab, "merges": []string{"a b", "▁ ab"}, "byte_fallback": true, "fuse_unk": true, "unk_token": "<unk>"},
	})
	return raw
}

func TestEveryWriterFillsTheRowsOfTheEmbedding(t *testing.T) {
	ranks := func() []byte {
		var sb strings.Builder
		for b := range 256 {
			sb.WriteString(encode64(string([]byte{byte(b)})) + " " + strconv.Itoa(b) + "\n")
		}
		return []byte(sb.String() + encode64("ab") + " 256\n")
	}()
	tests := map[string]struct {
		files memFiles
		class string
	}{
		"byte-level BPE": {testCheckpoints[0].files(t), "LlamaForCausalLM"},
		"characters":     {memFiles{"tokenizer.json": byteFallback(2)}, "LlamaForCausalLM"},
		"gemma 4":        {memFiles{"tokenizer.json": byteFallback(2)}, "Gemma4ForCausalLM"},
		"SentencePiece":  {memFiles{"tokenizer.model": toyPieces(2)}, "LlamaForCausalLM"},
		"Unigram":        {memFiles{"tokenizer.model": toyPieces(1)}, "T5ForConditionalGeneration"},
		"Unigram, json":  {memFiles{"tokenizer.json": []byte(`{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1]]}}`)}, ""},
		"WordPiece":      {memFiles{"tokenizer.json": []byte(`{"model":{"type":"WordPiece","unk_token":"a","vocab":{"a":0,"##b":1}}}`)}, "BertModel"},
		"ranks":          {memFiles{"qwen.tiktoken": ranks}, "QWenLMHeadModel"},
		"ranks of Kimi":  {memFiles{"tiktoken.model": ranks}, "DeepseekV3ForCausalLM"},
		"tekken":         {memFiles{"tekken.json": smallTekken()}, "MistralForCausalLM"},
		"RWKV":           {memFiles{"rwkv_vocab_v20230424.txt": []byte("1 'a' 1\n2 b'\\xff' 1\n")}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			const rows = 1100
			v, err := Read(t.Context(), test.files, Options{Rows: rows, Rules: rulesOf(test.class), Unchecked: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, kind := v.Token(rows - 1); v.Size() != rows || kind != tokenizer.TypeUnused {
				t.Errorf("%d tokens for %d rows, the last of type %d", v.Size(), rows, kind)
			}
		})
	}
}

func TestAddedTokensWithoutARowAreLeftOut(t *testing.T) {
	files := edited(t, map[string]func(map[string]any){
		"tokenizer.json":        added("<pad>", "<more>"),
		"tokenizer_config.json": func(config map[string]any) { config["pad_token"] = "<pad>" },
	})
	v, err := Read(t.Context(), files, Options{Rows: 1024})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`tokenizer: the embedding has 1024 rows (vocab_size); added tokens without a row are left out: 1024 "<pad>", 1025 "<more>"`}
	if diff := cmp.Diff(want, v.Notes); diff != "" || v.Size() != 1024 {
		t.Errorf("%d tokens, %s", v.Size(), diff)
	}
	if id, ok := v.KVs.Int("tokenizer.ggml.padding_token_id"); ok {
		t.Errorf("the padding token is %d", id)
	}
}

func TestTokensOfTheModelNeedARow(t *testing.T) {
	_, err := Read(t.Context(), testCheckpoints[0].files(t), Options{Rows: 1000})
	if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "token 1000 is") {
		t.Errorf("got %v", err)
	}
}

func TestMinusOneNamesNoToken(t *testing.T) {
	read := func(id int) (*Vocabulary, error) {
		return Read(t.Context(), edited(t, map[string]func(map[string]any){
			"config.json":           func(config map[string]any) { config["pad_token_id"] = id },
			"tokenizer_config.json": func(config map[string]any) { delete(config, "pad_token") },
		}), Options{})
	}
	v, err := read(-1)
	if err != nil {
		t.Fatal(err)
	}
	if v.KVs.Has("tokenizer.ggml.padding_token_id") || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "pad_token_id is -1") {
		t.Errorf("padding token in %v, notes %q", v.KVs.Has("tokenizer.ggml.padding_token_id"), v.Notes)
	}
	if _, err := read(-2); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "config.json: pad_token_id is -2") {
		t.Errorf("got %v", err)
	}
}

// toyPieces is a SentencePiece model file: unigram (1) or BPE (2).
func toyPieces(algorithm uint64) []byte {
	return vocabtest.SentencePiece(algorithm, false, vocabtest.Piece{Text: "<unk>", Type: 2}, vocabtest.Piece{Text: "▁", Score: -1, Type: 1},
		vocabtest.Piece{Text: "a", Score: -2, Type: 1}, vocabtest.Piece{Text: "▁a", Score: -3, Type: 1})
}

// rulesOf returns how the vocabulary of a class is written.
func rulesOf(class string) arch.Vocabulary {
	return arch.VocabularyFor(hf.NewConfig(map[string]any{"architectures": []any{class}}, "config.json"))
}
