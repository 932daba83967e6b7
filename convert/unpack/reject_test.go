package unpack

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/fixtures/quantized"
)

// edit opens a fixture whose tensors and configuration were changed.
func edit(t testing.TB, name string, change func(list []safetensors.Named, config string) ([]safetensors.Named, string)) error {
	t.Helper()
	all := quantized.All(t)
	dir := all[slices.IndexFunc(all, func(f quantized.Fixture) bool { return f.Name == name })].Unpack(t)
	stored, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	var list []safetensors.Named
	for _, x := range stored.Tensors() {
		data := make([]byte, x.Size)
		if _, err := x.ReadAt(t.Context(), data, 0); err != nil {
			t.Fatal(err)
		}
		list = append(list, tensor(x.Name, x.DType, data, x.Shape...))
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	list, config := change(list, string(text))
	_, err = Open(t.Context(), checkpoint(t, config, list...))
	return err
}

const down = "model.layers.0.mlp.down_proj"

// without leaves a tensor out, as reshapes one whose bytes stay.
func without(name string) func([]safetensors.Named) []safetensors.Named {
	return func(list []safetensors.Named) []safetensors.Named {
		return slices.DeleteFunc(list, func(x safetensors.Named) bool { return x.Name == name })
	}
}

func as(name string, f func(x *safetensors.Named)) func([]safetensors.Named) []safetensors.Named {
	return func(list []safetensors.Named) []safetensors.Named {
		for i := range list {
			if list[i].Name == name {
				f(&list[i])
			}
		}
		return list
	}
}

func beside(name string) func([]safetensors.Named) []safetensors.Named {
	return func(list []safetensors.Named) []safetensors.Named {
		return append(list, tensor(name, dtype.F16, make([]byte, 4), 2))
	}
}

func shape(n ...int64) func(x *safetensors.Named) {
	return func(x *safetensors.Named) { x.Shape = n }
}

// TestRefusesWhatContradictsItself changes one thing of a sound checkpoint.
func TestRefusesWhatContradictsItself(t *testing.T) {
	for name, test := range map[string]struct {
		fixture  string
		tensors  func([]safetensors.Named) []safetensors.Named
		from, to string // in the configuration
		class    error
		words    []string
	}{
		"GPTQ without scales":                   {"gptq-4", without(down + ".scales"), "", "", fault.ErrCorrupt, []string{down + ".scales", "missing"}},
		"GPTQ without zero points":              {"gptq-4", without(down + ".qzeros"), "", "", fault.ErrCorrupt, []string{down + ".qzeros", "missing"}},
		"GPTQ with other groups":                {"gptq-4", nil, `"group_size": 32`, `"group_size": 64`, fault.ErrCorrupt, []string{"groups of 64", "want"}},
		"GPTQ with other bits":                  {"gptq-4", nil, `"bits": 4`, `"bits": 8`, fault.ErrCorrupt, []string{"8 bits"}},
		"GPTQ with impossible bits":             {"gptq-4", nil, `"bits": 4`, `"bits": 40`, fault.ErrCorrupt, []string{"40 bits"}},
		"GPTQ with a group too far":             {"gptq-4-act", as(down+".g_idx", func(x *safetensors.Named) { binary.LittleEndian.PutUint32(x.Data[8:], 77) }), "", "", fault.ErrCorrupt, []string{"column 2", "group 77 of 3"}},
		"GPTQ with a negative group":            {"gptq-4-act", as(down+".g_idx", func(x *safetensors.Named) { binary.LittleEndian.PutUint32(x.Data[8:], 1<<31) }), "", "", fault.ErrCorrupt, []string{"column 2"}},
		"a matrix that is there twice":          {"gptq-4", beside(down + ".weight"), "", "", fault.ErrCorrupt, []string{"twice"}},
		"AWQ with other scales":                 {"awq-gemm", as(down+".scales", shape(64, 3)), "", "", fault.ErrCorrupt, []string{down + ".scales", "[64 3]", "[3 64]"}},
		"AWQ with zero points of another type":  {"awq-gemm", as(down+".qzeros", func(x *safetensors.Named) { x.DType = dtype.F32 }), "", "", fault.ErrCorrupt, []string{down + ".qzeros", "F32"}},
		"GPTQ with zero points of another type": {"gptq-4", as(down+".qzeros", func(x *safetensors.Named) { x.DType = dtype.F32 }), "", "", fault.ErrCorrupt, []string{down + ".qzeros", "F32"}},
		"GPTQ with scales in whole numbers":     {"gptq-4", as(down+".scales", func(x *safetensors.Named) { x.DType = dtype.I16 }), "", "", fault.ErrCorrupt, []string{down + ".scales", "I16"}},
		"GPTQ with bits in words":               {"gptq-4", nil, `"bits": 4`, `"bits": "four"`, fault.ErrCorrupt, []string{"bits"}},
		"GPTQ with partial groups":              {"gptq-4", nil, `"group_size": 32`, `"group_size": 36`, fault.ErrCorrupt, []string{"groups of 36"}},
		"AWQ with partial groups":               {"awq-gemm", nil, `"group_size": 32`, `"group_size": 36`, fault.ErrCorrupt, []string{"96 columns", "groups of 36"}},
		"AWQ for a kernel":                      {"awq-gemm", nil, `"version": "gemm"`, `"version": "gemv_fast"`, fault.ErrUnsupported, []string{"gemv_fast", "AutoAWQ"}},
		"GPTQ for a kernel":                     {"gptq-4-v2", nil, `"checkpoint_format": "gptq_v2"`, `"checkpoint_format": "marlin"`, fault.ErrUnsupported, []string{"marlin", "GPTQModel"}},
		"MLX without offsets":                   {"mlx-4", without(down + ".biases"), "", "", fault.ErrCorrupt, []string{down + ".biases", "missing"}},
		"MLX with other bits":                   {"mlx-4", nil, `"bits": 4`, `"bits": 3`, fault.ErrCorrupt, []string{"3 bits"}},
		"MLX in an unknown mode":                {"mlx-mxfp4", nil, `"mode": "mxfp4"`, `"mode": "novel"`, fault.ErrUnsupported, []string{"novel"}},
		"bitsandbytes without a scale":          {"bnb-nf4", without(down + ".weight.absmax"), "", "", fault.ErrCorrupt, []string{"absmax", "missing"}},
		"bitsandbytes without a table":          {"bnb-nf4", without(down + ".weight.quant_map"), "", "", fault.ErrCorrupt, []string{"quant_map", "missing"}},
		"bitsandbytes with few scales":          {"bnb-nf4", as(down+".weight.absmax", func(x *safetensors.Named) { x.Shape, x.Data = []int64{5}, x.Data[:20] }), "", "", fault.ErrCorrupt, []string{"5 scales"}},
		"bitsandbytes of another shape": {"bnb-nf4", as(down+".weight.quant_state.bitsandbytes__nf4", func(x *safetensors.Named) {
			x.Data = []byte(strings.Replace(string(x.Data), "[64, 96]", "[64, 98]", 1))
		}), "", "", fault.ErrCorrupt, []string{"[64 98]"}},
		"packed codes without a shape": {"ct-pack-4", without(down + ".weight_shape"), "", "", fault.ErrCorrupt, []string{"weight_shape", "missing"}},
		"packed codes of other bits":   {"ct-pack-4", nil, `"num_bits": 4`, `"num_bits": 6`, fault.ErrCorrupt, []string{"6 bits"}},
		"zero points of other rows":    {"ct-pack-4-asym", as(down+".weight_zero_point", func(x *safetensors.Named) { x.Shape, x.Data = []int64{7, 3}, x.Data[:84] }), "", "", fault.ErrCorrupt, []string{"weight_zero_point"}},
		"HQQ without zero points":      {"hqq-4", without(down + ".zero"), "", "", fault.ErrCorrupt, []string{down + ".zero", "missing"}},
		"scales that are no blocks":    {"ct-float-8", as(down+".weight_scale", func(x *safetensors.Named) { x.Shape, x.Data = []int64{7}, x.Data[:14] }), "", "", fault.ErrCorrupt, []string{"7 scales"}},
		"methods of another name":      {"gptq-4", nil, `"quant_method": "gptq"`, `"quant_method": "aqlm"`, fault.ErrUnsupported, []string{"AQLM", "dequantize"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := edit(t, test.fixture, func(list []safetensors.Named, config string) ([]safetensors.Named, string) {
				if test.tensors != nil {
					list = test.tensors(list)
				}
				if test.from != "" && !strings.Contains(config, test.from) {
					t.Fatalf("the configuration does not say %s", test.from)
				}
				return list, strings.ReplaceAll(config, test.from, test.to)
			})
			if !errors.Is(err, test.class) {
				t.Fatalf("error %v, want one of class %v", err, test.class)
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not name %s", err, word)
				}
			}
		})
	}
}

// TestRotationsThatUndoEachOtherAreNoMatter reads weights that are rotated with
// the weights before and after them, or queries with keys, and no others.
func TestRotationsThatUndoEachOtherAreNoMatter(t *testing.T) {
	for _, test := range []struct{ kind, apply, wrong string }{
		{"hadamard", `{"targets": ["re:.*o_proj"], "location": "weight_output"}, {"targets": ["re:.*q_proj"], "location": "weight_input", "inverse": true}`, ""},
		{"random-hadamard", `{"targets": ["re:.*self_attn$"], "location": "q_attn"}, {"targets": ["re:.*self_attn$"], "location": "k_cache"}`, ""},
		{"hadamard", `{"targets": ["re:.*self_attn$"], "location": "attn_q"}, {"targets": ["re:.*self_attn$"], "location": "attn_k"}`, ""},
		{"random-matrix", `{"targets": ["re:.*self_attn$"], "location": "q_attn"}, {"targets": ["re:.*self_attn$"], "location": "k_cache"}`, "turns keys and queries"},
		{"hadamard", `{"targets": ["re:.*self_attn$"], "location": "q_attn"}, {"targets": ["re:.*[02].self_attn$"], "location": "k_cache"}`, "turns keys and queries"},
		{"hadamard", `{"targets": ["re:.*self_attn$"], "location": "k_cache"}`, "turns keys"},
		{"hadamard", `{"targets": ["Linear"], "location": "weight_output"}, {"targets": ["Linear"], "location": "output", "inverse": true}`, "turns the outputs of matrices"},
		{"hadamard", `{"targets": ["re:.*down_proj"], "location": "input"}, {"targets": ["re:.*down_proj"], "location": "weight_input", "inverse": true}`, "turns the inputs of matrices"},
		{"hadamard", `{"targets": ["Linear"], "location": "elsewhere"}`, `turns "elsewhere"`},
	} {
		err := edit(t, "ct-pack-4", func(list []safetensors.Named, config string) ([]safetensors.Named, string) {
			return list, strings.Replace(config, `"format": "pack-quantized"`, `"format": "pack-quantized", "transform_config": {"config_groups": {"R1": {"type": "`+test.kind+`", "apply": [`+test.apply+`]}}}`, 1)
		})
		if test.wrong == "" && err != nil || test.wrong != "" && (!errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%s %s: error %v, want %q", test.kind, test.apply, err, test.wrong)
		}
	}
}
