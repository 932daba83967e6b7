// Package decode gives the forward pass the weights of quantized checkpoints
// as plain float32 tensors. It is written from the publications of the formats
// and shares nothing with the converter's codecs, so that a fault of either
// shows as a difference between a checkpoint and the file made of it.
package decode
