// Package imatrix reads and writes importance matrices: for each tensor the
// sums of squared activations that its columns met, per expert, and the number
// of rows that were summed. Quantizers weigh the error of each column by the
// mean.
//
// It knows both formats of llama-imatrix, GGUF and the older .dat, and derives
// the same float32 weights from them as llama-quantize does.
package imatrix
