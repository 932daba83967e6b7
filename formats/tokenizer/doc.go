// Package tokenizer turns text into token ids and back.
//
// It reads the vocabularies that checkpoints and GGUF files carry:
// tokenizer.json of Hugging Face, SentencePiece models, tekken.json of
// Mistral, tiktoken rank files and the tokenizer.ggml.* key-values of GGUF.
// The models behind them are byte-level BPE, SentencePiece BPE with byte
// fallback, Unigram, WordPiece, RWKV's and PLaMo-2's.
//
// Each source keeps the rules of its own library, as the two can disagree on
// rare text: what comes from tokenizer.json gives the ids of Hugging Face
// tokenizers, what comes from a GGUF file those of llama.cpp.
package tokenizer
