// Package checkpoint loads the weights of a forward pass from a checkpoint
// folder, by the conventions of its publisher.
//
// It reads tensors as they lie in the checkpoint and shares no transform with
// the converter, so that a permutation that the converter misses shows as a
// difference instead of being mirrored.
package checkpoint
