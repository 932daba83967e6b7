// Package forward runs a language model in float32: the reference that tells
// whether a converted file computes what its checkpoint computes.
//
// There is one graph, described by package arch, and there are two loaders.
// The loader of GGUF files follows the conventions of that format, the loader
// of checkpoint folders those of the source; the latter reads tensors as they
// lie in the checkpoint and shares no transform with the converter, so that a
// missing permutation shows as a difference instead of being mirrored.
//
// Weights stay in their stored encoding and are decoded tile by tile, each once
// for a batch of tokens; sums are float32. Results depend neither on the number
// of workers nor on how tokens are split into batches.
package forward
