package tokenizer

import (
	"testing"

	"github.com/f190792d/mq/internal/vocabtest"
)

// Vocabularies of every size and rule, by file.
var benchmarked = []string{"llama2/tokenizer.json", "llama3_1/tokenizer.json", "qwen3/tokenizer.json", "deepseek_v3/tokenizer.json",
	"gptoss/tokenizer.json.gz", "gemma3/tokenizer.json.gz", "llama2/tokenizer.model"}

func BenchmarkLoad(b *testing.B) {
	for _, name := range benchmarked {
		b.Run(name, func(b *testing.B) {
			raw := vocabtest.File(b, "data", "tokenizers", name)
			build := libraryOf(name)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := build(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	text := readShared(b, "data", "text", "wiki.test.raw")
	for _, name := range benchmarked {
		b.Run(name, func(b *testing.B) {
			tok, err := libraryOf(name)(vocabtest.File(b, "data", "tokenizers", name))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				encoded(tok, text, Options{})
			}
		})
	}
}
