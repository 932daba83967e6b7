// Package graph computes a language model from its description
// ([arch.Model]) and its weights.
//
// The description says what every layer is; [New] takes the constructor of
// each part by its type. Where the weights come from is behind [Weights]: a
// loader gives tensors by the names that GGUF files have, as the mathematics
// wants them, whatever the conventions of its source are. Products and
// attention run on a [compute.Device].
package graph
