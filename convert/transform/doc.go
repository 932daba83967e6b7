// Package transform turns the tensors of a checkpoint into those of a GGUF
// file while they are read: row gathers, slices, stacks, transposes, scales
// and element maps, each a function from [Rows] to Rows. Nothing is loaded
// before it is asked for, and no tensor is ever held whole.
package transform
