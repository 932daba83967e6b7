// Package safetensors reads and writes the safetensors format: eight bytes
// with the length of a JSON header, the header, and the tensors' bytes end to
// end (https://github.com/huggingface/safetensors, "Format").
//
// Opening a file reads the header alone and checks every rule of the format,
// so that whatever Tensors returns can be read: names are unique, offsets
// cover the data without hole or overlap, and each size is shape times type.
// Memory while opening is the header plus a bounded index, whatever the file
// claims.
//
// Write writes a file from memory; Header lays one out for a writer that
// streams the data itself.
//
// The reader is stricter than the format's reference in four points, each a
// sign of a forged or damaged file: a name may not come twice, an entry has no
// field but dtype, shape and data_offsets, entries are objects, and the header
// starts with its brace.
package safetensors
