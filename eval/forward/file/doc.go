// Package file loads the weights of a forward pass from a GGUF file, by the
// conventions of that format.
package file
