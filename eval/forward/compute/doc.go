// Package compute does the heavy work of the forward pass: products of
// activations with stored matrices, and attention.
//
// [Device] is the seam below which another engine can stand; [CPU] is the one
// that exists. Weights stay in their stored encoding and are decoded tile by
// tile, each once for a batch of tokens; sums are float32. Results depend
// neither on the number of workers nor on how tokens are split into batches;
// where products of pairs are asked for, they depend on the processor.
package compute
