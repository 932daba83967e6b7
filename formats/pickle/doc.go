// Package pickle lists the tensors of a PyTorch checkpoint that torch.save
// wrote (pytorch_model.bin): a ZIP archive with a pickled dictionary, data.pkl,
// and one stored file per storage.
//
// A pickle is a program. This package runs none of it: it interprets the few
// opcodes that build numbers, strings, tuples, lists and dictionaries (Python
// documentation, "pickletools"), and the only names it knows are those that
// torch.save needs for tensors. Any other name is refused and shown. Tensors
// are located, not loaded: each is a byte range of the file.
package pickle
