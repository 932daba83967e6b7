// Package quantize turns the tensors of a model into block types.
//
// [Types] says all of each type: how long its blocks are, which functions write
// and read a row, what takes its place where a row does not fit. A [Recipe], such as Q4_K_M, says which tensor gets
// which type. [NewPlan] applies one to the header of a source: it finds every
// mistake and every size before data are read. [Run] then streams the source
// through the plan, or through several at once, in bounded memory. The files
// are those of llama-quantize v0.5.0, byte for byte.
package quantize
