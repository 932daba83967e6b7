// Package eval measures language models: perplexity as llama-perplexity
// defines it, the divergence of one model from another with both run in
// lockstep, multiple-choice tasks, importance matrices, and the comparison that
// ends a conversion.
//
// Everything works on a [Model], in practice one opened by package forward:
// a GGUF file or a checkpoint folder. Results depend neither on the number of
// workers nor on the size of batches.
package eval
