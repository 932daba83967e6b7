// Package unpack reads the weights of checkpoints that are quantized already.
// A codec is one row of a table: by which tensors it is recognized and how
// they become rows of float32, computed while they are read. Where the codes
// and scales of a matrix can be written in a block type of GGUF without a
// change of any weight, the matrix says so and yields the encoded rows.
package unpack
