// Package quantize knows the block types of GGUF: one table says for each
// type how long its blocks are and which functions write and read a row.
package quantize
