// Package export turns a GGUF file back into a checkpoint: the weights under
// their names in the source, moved back to where the source has them, and a
// config.json that describes the same model.
//
// Both are derived from the architecture table and held to it before the first
// byte is written: config.json must be read as the very model that the file
// describes, and every row of every source tensor must have come from one row
// of the file. An architecture for which that fails is refused.
package export
