// Package gguf reads and writes GGUF files: a header of key-values and tensor
// descriptions, followed by aligned tensor data.
//
// The reader takes versions 2 and 3 in little-endian order, opens split sets
// as one file, and checks every rule of the format before it hands out a
// byte. Memory while reading stays in proportion to the bytes that are really
// there, whatever counts and lengths the header claims. The writer emits
// version 3 with the layout of ggml's own writer, either as a stream or at
// offsets that are known before the first byte, so that several goroutines
// may fill one file.
//
// The format is described at
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
package gguf
