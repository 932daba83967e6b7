// Package linear is the linear algebra of refinement: products over the
// kernels of the forward pass, sums of outer products, the factorization of a
// symmetric matrix and the solution of systems with it.
//
// Matrices are row-major slices of float32, whose number of columns is a
// multiple of 32. Every element of a result is summed in an order that depends
// on nothing but the shapes: neither on the number of workers nor on the width
// of the processor's vectors.
package linear
