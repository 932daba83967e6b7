// Package forward runs a language model in float32: the reference that shows
// whether a converted file computes what its checkpoint computes.
//
// There is one graph, described by package arch, and there are two loaders.
// The loader of GGUF files follows the conventions of that format, the loader
// of checkpoint folders those of the source; the latter reads tensors as they
// lie in the checkpoint and shares no transform with the converter, so that a
// missing permutation shows as a difference instead of being mirrored.
//
// This package is the door: [Open], [FromCheckpoint] and [FromGGUF] put a
// description, a loader and a device together.
package forward
