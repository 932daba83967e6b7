// Package validate judges a GGUF file: whether its structure is sound and
// complete, whether its numbers are those of the model that it was made from,
// and whether it computes what that model computes.
//
// Structure needs the file alone: layout, key-values, every tensor that the
// architecture asks for, vocabulary and chat template, values that are not
// numbers. With a source, a checkpoint folder or another GGUF file, each
// tensor is compared with the tensor it came from. Quantization is
// deterministic, so rows of the source are quantized again: where the bytes
// agree but for a few, those few are damaged; where an importance matrix or
// another build made them differ, their error is held to what the type gives.
// Last, both models run on a built-in text, the source under its own
// conventions, and their next-token probabilities are compared.
//
// The result is a [Report] that can be written as JSON, Markdown or one
// self-contained HTML page.
package validate
