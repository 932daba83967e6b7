// Package arch is the table of model architectures. One architecture is one
// declarative value in one file: the Hugging Face classes it serves, its
// key-values, its tensors with their transforms, and the graph that the
// forward pass runs. The converter and the forward pass read the same value;
// what they share is names and structure, never a transform.
package arch
