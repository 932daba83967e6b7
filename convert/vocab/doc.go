// Package vocab writes the vocabulary of a checkpoint into the key-values of a
// GGUF file, as the reference converter does: which of several files counts,
// how tokens are typed and padded, which name the pre-tokenizer has, which
// tokens have a role, where the chat template comes from.
//
// What the files do not decide, the class of the model does:
// [arch.Vocabulary].
package vocab
