package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/fixtures/quantized"
)

// damaged is a checkpoint with one thing of it changed.
type damaged struct {
	what    string
	tensors []safetensors.Named
	config  map[string]any
}

// TestContradictionsOfQuantizedCheckpointsAreOneSentence takes from a checkpoint
// of every method, one by one, what a matrix consists of, shortens it, changes
// what the configuration says of it, and declares another method.
func TestContradictionsOfQuantizedCheckpointsAreOneSentence(t *testing.T) {
	if testing.Short() {
		t.Skip("short: some hundreds of runs")
	}
	all := quantized.All(t)
	for i, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			dir := f.Unpack(t)
			tensors, config := stored(t, dir)
			foreign := otherMethod(t, all[i:], all[:i], config)
			for _, d := range damages(tensors, config, foreign) {
				d.write(t, dir)
				out := filepath.Join(t.TempDir(), "out.gguf")
				code, _, stderr := mq(t, "convert", dir, "-t", "q8_0", "--no-verify", "-q", "-o", out)
				left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), "*"))
				if harmless[f.Name+d.what] {
					continue
				}
				if code != 5 && !(code == 4 && strings.HasPrefix(f.Name, "awq")) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 || !strings.HasPrefix(stderr, "mq: ") || left != nil {
					t.Errorf("%s: exit %d, left %v, says %q", d.what, code, left, stderr)
				}
			}
		})
	}
}

const damagedMatrix = "model.layers.0.mlp.down_proj"

// damages are the ways to damage one matrix of a checkpoint.
func damages(tensors []safetensors.Named, config, foreign map[string]any) []damaged {
	var list []damaged
	for i, x := range tensors {
		part, ok := strings.CutPrefix(x.Name, damagedMatrix)
		if !ok || part == ".weight" || unneeded[part] {
			continue
		}
		list = append(list, damaged{"without " + part, slices.Delete(slices.Clone(tensors), i, i+1), config})
		for d, n := range x.Shape {
			if n < 2 || int64(len(x.Data))%n != 0 {
				continue
			}
			short := x
			short.Shape = slices.Clone(x.Shape)
			short.Shape[d]--
			short.Data = x.Data[:int64(len(x.Data))/n*(n-1)]
			list = append(list, damaged{part + " shorter", slices.Replace(slices.Clone(tensors), i, i+1, short), config})
		}
	}
	for _, key := range []string{"bits", "num_bits", "group_size", "w_bit"} {
		if changed, ok := doubled(config, key); ok {
			list = append(list, damaged{"twice the " + key, tensors, changed})
		}
	}
	return append(list, damaged{"of another method", tensors, foreign})
}

// unneeded are parts on which no weight depends.
var unneeded = map[string]bool{
	".input_scale": true, ".output_scale": true, ".weight_format": true, ".channel_wise": true, ".compute_dtype": true, ".encoded_state_dict": true,
	".offload_meta": true, ".optimize": true, ".packing": true, ".quant_scale": true, ".quant_zero": true, ".round_zero": true,
	".stores_quant_config": true, ".unpack_view_dtype": true, ".view_as_float": true,
}

// harmless are changes that leave a sound checkpoint: groups that follow each
// other need no index, symmetric codes no zero points, and dense words are
// fewer than padded ones.
var harmless = map[string]bool{
	"torchao-8without ._weight_zero_point": true, "ct-pack-3-old.weight_packed shorter": true,
	"autoround-gptqwithout .g_idx": true, "autoroundwithout .g_idx": true, "gptq-2without .g_idx": true, "gptq-3-asymwithout .g_idx": true, "gptq-3without .g_idx": true,
	"gptq-4-asymwithout .g_idx": true, "gptq-4-v2without .g_idx": true, "gptq-4without .g_idx": true, "gptq-5-planarwithout .g_idx": true, "gptq-6-planarwithout .g_idx": true,
	"gptq-7-planarwithout .g_idx": true, "gptq-8without .g_idx": true,
}

// otherMethod is the configuration of the next checkpoint of another method.
func otherMethod(t *testing.T, behind, before []quantized.Fixture, config map[string]any) map[string]any {
	t.Helper()
	method := func(c map[string]any) any {
		q, _ := c["quantization_config"].(map[string]any)
		return q["quant_method"]
	}
	for _, f := range slices.Concat(behind, before) {
		if _, c := stored(t, f.Unpack(t)); method(c) != method(config) {
			return c
		}
	}
	return nil
}

// doubled is a configuration in which a number below the quantization is
// doubled wherever it is.
func doubled(config map[string]any, key string) (map[string]any, bool) {
	text, _ := json.Marshal(config)
	var c map[string]any
	_ = json.Unmarshal(text, &c)
	found := false
	var walk func(v any)
	walk = func(v any) {
		if object, ok := v.(map[string]any); ok {
			for k, v := range object {
				if n, ok := v.(float64); ok && k == key && n > 0 {
					object[k], found = 2*n, true
				}
				walk(v)
			}
		}
	}
	walk(c)
	return c, found
}

// stored are the tensors and the configuration of a folder.
func stored(t *testing.T, dir string) (list []safetensors.Named, config map[string]any) {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	for _, x := range ckpt.Tensors() {
		data := make([]byte, x.Size)
		if _, err := x.ReadAt(t.Context(), data, 0); err != nil {
			t.Fatal(err)
		}
		list = append(list, safetensors.Named{Name: x.Name, DType: x.DType, Shape: x.Shape, Data: data})
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list, config
}

func (d damaged) write(t *testing.T, dir string) {
	t.Helper()
	text, err := json.Marshal(d.config)
	if err != nil {
		t.Fatal(err)
	}
	var weights bytes.Buffer
	if err := safetensors.Write(&weights, d.tensors, nil); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"config.json": text, "model.safetensors": weights.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
