// Package refine rounds the weights of a file again so that its model computes
// more nearly what its source does, in the same types and the same bytes of
// size.
//
// The text of a calibration passes through both models layer by layer. Each
// product of the file is given weights that make up, as far as they can, for
// what the file has already done to the product's input and to the residual
// stream (QEP, Arai and Ichikawa 2025, arXiv:2504.09629; GPTAQ, Li et al. 2025,
// arXiv:2504.02692), and package rounding finds codes for them. A part of the
// text is held back: what is not better there is not taken.
package refine
