// Package pattern cuts text into words as tokenizers do before they encode:
// by the regular expressions of tokenizer.json and by the rules that llama.cpp
// has for the names in tokenizer.ggml.pre.
//
// The answers depend on the edition of Unicode that a library was built with,
// so each rule is compiled over one: Unicode15 is llama.cpp's, Unicode16 that
// of Hugging Face tokenizers. Patterns in wide use have hand-written scanners;
// a test holds each scanner to its expression.
package pattern
