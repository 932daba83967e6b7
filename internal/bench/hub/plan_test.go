//go:build linux

package hub

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/hubtest"
)

const shards = 163

// BenchmarkPlan plans a model of the shape of DeepSeek-V3: the folder that
// MQ_BENCH_SMALL names has its config.json and vocabulary; of the weights there
// are headers, and as many zeros as belong after them.
func BenchmarkPlan(b *testing.B) {
	dir, mq := os.Getenv("MQ_BENCH_SMALL"), build(b)
	if dir == "" {
		b.Skip("MQ_BENCH_SMALL names no folder with config.json and tokenizer.json")
	}
	h, name := serve(b, dir)
	files := map[string][]byte{}
	for file, data := range h.Repo(name).Head() {
		files[file] = data
	}
	weights(b, h, files)
	h.Add(name, files)
	h.Delay = 20 * time.Millisecond
	for b.Loop() {
		measure(b, h, exec.Command(mq, "plan", name, "-t", "q4_k_m", "--quiet"))
	}
}

// weights adds shards of equal numbers of tensors and their index.
func weights(b *testing.B, h *hubtest.Hub, files map[string][]byte) {
	b.Helper()
	all, index, total := tensors(), map[string]string{}, int64(0)
	for i := range shards {
		name := fmt.Sprintf("model-%05d-of-%06d.safetensors", i+1, shards)
		part := all[i*len(all)/shards : (i+1)*len(all)/shards]
		header, placed, err := safetensors.Header(part, map[string]string{"format": "pt"})
		if err != nil {
			b.Fatal(err)
		}
		size := int64(len(header))
		for _, t := range placed {
			size += t.Size
			index[t.Name] = name
		}
		data, err := syscall.Mmap(-1, 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
		if err != nil {
			b.Fatal(err)
		}
		copy(data, header)
		h.Vouch(data, fmt.Sprintf("%064x", i))
		files[name] = data
		total += size
	}
	text, err := json.MarshalIndent(map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": index}, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	files["model.safetensors.index.json"] = text
	b.Logf("%d tensors, %d GB", len(all), total/1e9)
}

// tensors are those of DeepSeek-V3 as published: 61 layers of which three are
// dense, 256 experts, a layer that predicts further tokens, and FP8 with a
// scale for each 128 x 128.
func tensors() []safetensors.Tensor {
	const hidden, vocab, heads, layers = 7168, 129280, 128, 61
	var list []safetensors.Tensor
	plain := func(name string, t dtype.DType, shape ...int64) {
		list = append(list, safetensors.Tensor{Name: name, DType: t, Shape: shape})
	}
	coded := func(name string, rows, columns int64) {
		plain(name+".weight", dtype.F8E4M3, rows, columns)
		plain(name+".weight_scale_inv", dtype.F32, (rows+127)/128, (columns+127)/128)
	}
	mlp := func(name string, width int64) {
		coded(name+".gate_proj", width, hidden)
		coded(name+".up_proj", width, hidden)
		coded(name+".down_proj", hidden, width)
	}
	plain("model.embed_tokens.weight", dtype.BF16, vocab, hidden)
	for i := range layers + 1 {
		at := fmt.Sprintf("model.layers.%d.", i)
		plain(at+"input_layernorm.weight", dtype.BF16, hidden)
		plain(at+"post_attention_layernorm.weight", dtype.BF16, hidden)
		coded(at+"self_attn.q_a_proj", 1536, hidden)
		plain(at+"self_attn.q_a_layernorm.weight", dtype.BF16, 1536)
		coded(at+"self_attn.q_b_proj", heads*192, 1536)
		coded(at+"self_attn.kv_a_proj_with_mqa", 576, hidden)
		plain(at+"self_attn.kv_a_layernorm.weight", dtype.BF16, 512)
		coded(at+"self_attn.kv_b_proj", heads*256, 512)
		coded(at+"self_attn.o_proj", hidden, heads*128)
		if i < 3 {
			mlp(at+"mlp", 18432)
			continue
		}
		plain(at+"mlp.gate.weight", dtype.BF16, 256, hidden)
		plain(at+"mlp.gate.e_score_correction_bias", dtype.F32, 256)
		mlp(at+"mlp.shared_experts", 2048)
		for e := range 256 {
			mlp(fmt.Sprintf("%smlp.experts.%d", at, e), 2048)
		}
	}
	at := fmt.Sprintf("model.layers.%d.", layers)
	plain(at+"embed_tokens.weight", dtype.BF16, vocab, hidden)
	plain(at+"enorm.weight", dtype.BF16, hidden)
	plain(at+"hnorm.weight", dtype.BF16, hidden)
	plain(at+"eh_proj.weight", dtype.BF16, hidden, 2*hidden)
	plain(at+"shared_head.norm.weight", dtype.BF16, hidden)
	plain(at+"shared_head.head.weight", dtype.BF16, vocab, hidden)
	plain("model.norm.weight", dtype.BF16, hidden)
	plain("lm_head.weight", dtype.BF16, vocab, hidden)
	return list
}
