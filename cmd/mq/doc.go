// Command mq converts Hugging Face checkpoints to quantized GGUF files and
// proves that the result is right.
package main
