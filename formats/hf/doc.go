// Package hf opens a checkpoint folder as Hugging Face publishes it: the
// tensors of all its weight files under one list, config.json with typed
// access, the model card, and any small file by name.
//
// Weights are found in this order: what model.safetensors.index.json names,
// model*.safetensors, any other *.safetensors, Mistral's own
// consolidated*.safetensors, and pytorch_model*.bin. Opening reads headers
// only and checks that index and files agree; tensors are read on demand.
//
// Nothing outside the folder is read. The one exception are the links of the
// Hugging Face cache, where snapshots/REVISION/FILE points into the blobs
// folder of the same repository.
package hf
