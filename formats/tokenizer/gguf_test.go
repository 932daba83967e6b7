package tokenizer

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/internal/vocabtest"
)

// openGGUF gives the tokenizer of a GGUF file from the large test material. It
// loads each one once.
func openGGUF(t testing.TB, elem ...string) *Tokenizer {
	t.Helper()
	path := shared.Path(t, elem...)
	load, _ := loadedGGUF.LoadOrStore(path, sync.OnceValues(func() (*Tokenizer, error) {
		f, err := gguf.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return FromGGUF(f.KVs())
	}))
	tok, err := load.(func() (*Tokenizer, error))()
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

var loadedGGUF sync.Map // of func() (*Tokenizer, error), by path

func readShared(t testing.TB, elem ...string) string {
	t.Helper()
	raw, err := os.ReadFile(shared.Path(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// digest is the sha256 of the ids, one a line.
func digest(ids []int32) string {
	h := sha256.New()
	for _, id := range ids {
		h.Write(append(strconv.AppendInt(nil, int64(id), 10), '\n'))
	}
	return hex.EncodeToString(h.Sum(nil))
}

var ggmlVocabs = []string{"bert-bge", "command-r", "deepseek-coder", "deepseek-llm", "gemma-4", "gpt-2", "llama-bpe", "llama-spm", "phi-3", "qwen2"}

// The .out files were written by llama.cpp's own converter tests: the ids of
// each case, without special tokens around it.
func TestGivesLlamaCppVectors(t *testing.T) {
	for _, name := range ggmlVocabs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := "ggml-vocab-" + name + ".gguf"
			tok := openGGUF(t, "data", "tokenizers", "ggml-vocab", file)
			cases := strings.Split(readShared(t, "data", "tokenizers", "ggml-vocab", file+".inp"), "\n__ggml_vocab_test__\n")
			lines := strings.Split(readShared(t, "data", "tokenizers", "ggml-vocab", file+".out"), "\n")
			for i, text := range cases {
				want := strings.Fields(lines[i])
				var got []string
				for _, id := range encoded(tok, text, Options{}) {
					got = append(got, strconv.Itoa(int(id)))
				}
				if strings.Join(got, " ") != strings.Join(want, " ") {
					t.Errorf("case %d %q:\ngot  %v\nwant %v", i, text, got, want)
				}
			}
		})
	}
}

// The digests are of the ids that libllama gives for the vocabularies, and for
// the one of GPT-2 under every name of a pre-tokenizer.
func TestGivesLlamaCppIDsOfFuzzedTexts(t *testing.T) {
	corpora := map[string][]string{"sample": vocabtest.Sample(), "short": vocabtest.Fuzzed(400, 3), "whole": vocabtest.Sample(), "broken": vocabtest.Broken(1000, 8)}
	for i, text := range corpora["broken"] {
		raw := []byte(text)
		for j, b := range raw {
			if b >= 0xF4 {
				raw[j] = 65 // as in llama_ids.py
			}
		}
		corpora["broken"][i] = string(raw)
	}
	options := map[string]Options{"sample": {ParseSpecial: true}, "short": {ParseSpecial: true}, "broken": {ParseSpecial: true}, "whole": {AddSpecial: true}}
	gpt2, err := gguf.Open(shared.Path(t, "data", "tokenizers", "ggml-vocab", "ggml-vocab-gpt-2.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gpt2.Close() })
	for _, line := range strings.Split(strings.TrimSpace(readFile(t, "testdata/llama.tsv")), "\n") {
		row := strings.Split(line, "\t")
		t.Run(row[0]+"/"+row[1], func(t *testing.T) {
			t.Parallel()
			var tok *Tokenizer
			if pre, ok := strings.CutPrefix(row[0], "pre/"); ok {
				kvs := gpt2.KVs().Clone()
				kvs.Set("tokenizer.ggml.pre", pre)
				tok = mustGGUF(t, kvs)
			} else {
				tok = openGGUF(t, "data", "tokenizers", "ggml-vocab", row[0])
			}
			texts := corpora[row[1]]
			checkDigest(t, row[0], row[1], row[2], texts, idLines(tok, texts, options[row[1]]))
		})
	}
}

func TestGivesLlamaCppIDsOfWikiText(t *testing.T) {
	sc := bufio.NewScanner(strings.NewReader(readShared(t, "golden", "tokens-wiki.tsv")))
	text := readShared(t, "data", "text", "wiki.test.raw")
	for sc.Scan() {
		row := strings.Split(sc.Text(), "\t")
		if strings.HasPrefix(row[0], "#") {
			continue
		}
		t.Run(row[0], func(t *testing.T) {
			t.Parallel()
			if testing.Short() && row[0] != "llama-spm" {
				t.Skip("short: the whole text by one vocabulary")
			}
			vocabtest.SkipLarge(t, row[0])
			tok := openGGUF(t, "data", "tokenizers", "ggml-vocab", "ggml-vocab-"+row[0]+".gguf")
			ids := encoded(tok, text, Options{ParseSpecial: true})
			if strconv.Itoa(len(ids)) != row[1] || digest(ids) != row[2] {
				t.Errorf("got %d tokens, want %s", len(ids), row[1])
			}
		})
	}
}
