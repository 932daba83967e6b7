// Package rounding finds the codes of a matrix on the grid of a block type so
// that its products with real inputs change little: not each weight is to be
// near to its own, but
//
//	Σ over rows of e·A·eᵀ, e = target - rounded
//
// is to be small, where A is the mean of x·xᵀ over the inputs x, damped on the
// diagonal. [Codes.Feedback] rounds column after column and lets later columns
// make up for the errors of earlier ones (GPTQ, Frantar et al. 2022,
// arXiv:2210.17323; LDLQ, Chee et al. 2023, arXiv:2307.13304), and searches the
// scales of each sub-block within that loop. [Codes.Descend] then changes one
// code, scale or super-block's scale at a time, each only for the better.
//
// Rows do not depend on each other, and results not on the number of workers.
package rounding
