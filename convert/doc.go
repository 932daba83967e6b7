// Package convert plans the conversion of a Hugging Face checkpoint to GGUF:
// from headers alone it finds the architecture, matches every source tensor
// to one target, checks shapes and vocabulary, chooses types and writes the
// key-values, all as llama.cpp's converter does. The tensors of the plan are
// streams that read the checkpoint when they are drained.
package convert
