// Package lora merges adapters of the PEFT library into the weights of a
// checkpoint while they are read: LoRA (Hu et al. 2021, arXiv:2106.09685), its
// rank-stabilized scale (Kalajdzievski 2023, arXiv:2312.03732) and DoRA (Liu et
// al. 2024, arXiv:2402.09353).
package lora
