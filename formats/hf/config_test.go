package hf

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/shared"
)

const sample = `{"big": 9007199254740993, "whole": 1e6, "half": 0.5, "tiny": 1e-05, "on": true, "text": "t\u00e9xt NaN \"Infinity\"",
 "none": null, "list": [1, 2], "mixed": [1, "a"], "names": ["a", "b"], "limits": [0.5, Infinity, -Infinity, NaN],
 "rope": {"factor": 8.0, "inner": {"deep": 3}, "gone": null}, "a.b": 7}`

func parsed(t *testing.T) Config {
	t.Helper()
	c, err := ParseConfig([]byte(sample), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfigValuesAreTypedAndExact(t *testing.T) {
	c := parsed(t)
	check := func(got, want any, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	}
	i, err := c.Int("big")
	check(i, int64(9007199254740993), err)
	i, err = c.Int("whole")
	check(i, int64(1000000), err)
	i, err = c.Int("rope.factor")
	check(i, int64(8), err)
	i, err = c.Int("rope.inner.deep")
	check(i, int64(3), err)
	i, err = c.Int("a.b")
	check(i, int64(7), err)
	f, err := c.Float("tiny")
	check(f, 1e-05, err)
	b, err := c.Bool("on")
	check(b, true, err)
	s, err := c.String("text")
	check(s, `téxt NaN "Infinity"`, err)
	ints, err := c.Ints("list")
	check(ints, []int64{1, 2}, err)
	strs, err := c.Strings("names")
	check(strs, []string{"a", "b"}, err)
	i, err = c.IntOr("missing", 5)
	check(i, int64(5), err)
	f, err = c.FloatOr("rope.gone", 5)
	check(f, 5.0, err)
	s, err = c.StringOr("none", "default")
	check(s, "default", err)
	b, err = c.BoolOr("on", false)
	check(b, true, err)
	if v, ok := c.Value("big"); !ok || v != json.Number("9007199254740993") {
		t.Errorf("Value: %v, %v", v, ok)
	}
	if c.Has("none") || c.Has("rope.gone") || c.Has("rope.none") || c.Has("text.x") || !c.Has("rope") {
		t.Error("null and missing keys must count as absent")
	}
}

func TestPythonConstantsAreNumbers(t *testing.T) {
	got, err := parsed(t).Floats("limits")
	if err != nil || len(got) != 4 || got[0] != 0.5 || !math.IsInf(got[1], 1) || !math.IsInf(got[2], -1) || !math.IsNaN(got[3]) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ParseConfig([]byte(`{"a": Nan}`), "x"); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("Nan: %v", err)
	}
}

func TestConfigErrorsNameFileAndKey(t *testing.T) {
	c := parsed(t)
	rope, ok := c.Sub("rope")
	if !ok {
		t.Fatal("no rope")
	}
	for _, e := range []struct {
		err  error
		says string
	}{
		{second(c.Int("missing")), `hf: config.json: key "missing" is missing`},
		{second(c.Int("none")), `key "none" is missing`},
		{second(rope.Int("x")), `key "rope.x" is missing`},
		{second(c.Int("half")), `key "half" holds 0.5, want an integer`},
		{second(c.String("list")), `key "list" holds [1,2], want a string`},
		{second(c.Strings("mixed")), `key "mixed" holds [1,"a"], want a list of strings`},
		{second(c.Bool("text")), `want true or false`},
		{second(c.IntOr("text", 1)), `want an integer`},
		{second(Config{}.Float("x")), `config.json: key "x" is missing`},
	} {
		if !errors.Is(e.err, fault.ErrCorrupt) || !strings.Contains(e.err.Error(), e.says) {
			t.Errorf("%v, want %q", e.err, e.says)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestRejectsBrokenJSON(t *testing.T) {
	for _, s := range []string{"", "null", "[]", "1", "{", `{"a":1}x`, `{"a":1}{}`, `{"a":` + strings.Repeat("[", 1<<20), strings.Repeat(" ", maxConfig+1)} {
		if _, err := ParseConfig([]byte(s), "config.json"); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "config.json") {
			t.Errorf("%.20q: %v", s, err)
		}
	}
}

func TestRealConfigsParse(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(shared.Path(t, "data", "configs"), "*_config.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d configs, %v", len(paths), err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseConfig(data, filepath.Base(path))
		if err != nil || !c.Has("model_type") && !c.Has("text_config.model_type") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestModelCards(t *testing.T) {
	for name, c := range map[string]struct {
		card string
		want map[string]any
	}{
		"fields":        {"---\nlicense: mit\ntags:\n- a\n- no\nbase_model: o/n\n---\n# Title\n---\n", map[string]any{"license": "mit", "tags": []any{"a", "no"}, "base_model": "o/n"}},
		"windows lines": {"\xef\xbb\xbf---\r\na: 1\r\n---\r\ntext", map[string]any{"a": 1}},
		"tabs":          {"---\na:\n\t- x\n---\n", map[string]any{"a": []any{"x"}}},
		"keys":          {"---\n1: x\na:\n  true: y\n---\n", map[string]any{"1": "x", "a": map[string]any{"true": "y"}}},
		"no end":        {"---\na: 1\n", map[string]any{"a": 1}},
		"ends at once":  {"---\n---\na: 1\n", map[string]any{}},
		"none":          {"# Title\n---\na: 1\n---\n", map[string]any{}},
		"twice":         {"---\nlicense: mit\nlicense: apache\nlanguage:\n- no\n---\n", map[string]any{"license": "apache", "language": []any{"no"}}},
		"a list":        {"---\n- a\n---\n", map[string]any{}},
		"empty":         {"", map[string]any{}},
	} {
		got, err := (&Folder{fsys: fstest.MapFS{"README.md": text(c.card)}, name: "m"}).ModelCard()
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %s, %v", name, diff, err)
		}
	}
	if got, err := (&Folder{fsys: fstest.MapFS{}, name: "m"}).ModelCard(); len(got) != 0 || err != nil {
		t.Errorf("no card: %v, %v", got, err)
	}
}

func TestRejectsHostileModelCards(t *testing.T) {
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i, c := 1, "0"; i < 10; i++ {
		next := string(rune('0' + i))
		bomb += "a" + next + ": &a" + next + " [" + strings.Repeat("*a"+c+",", 9) + "]\n"
		c = next
	}
	for name, front := range map[string]string{
		"broken":   "a: [",
		"no key":   "\t: {",
		"aliases":  bomb,
		"too long": strings.Repeat("# comment\n", maxFrontMatter/10+1),
		"deep":     strings.Repeat("[", 20_000),
	} {
		_, err := (&Folder{fsys: fstest.MapFS{"README.md": text("---\n" + front + "\n---\n")}, name: "m"}).ModelCard()
		if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "README.md") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesTheMethodOfQuantizedSources(t *testing.T) {
	tensors := func(list ...safetensors.Named) *fstest.MapFile {
		var b strings.Builder
		if err := safetensors.Write(&b, list, nil); err != nil {
			t.Fatal(err)
		}
		return text(b.String())
	}
	named := func(name string, d dtype.DType) safetensors.Named {
		return safetensors.Named{Name: name, DType: d, Shape: []int64{0}}
	}
	plain := tensors(named("a.weight", dtype.BF16))
	for want, files := range map[string]fstest.MapFS{
		"fp8 e4m3 (config.json: quantization_config)":                          {"config.json": text(`{"quantization_config":{"quant_method":"fp8","fmt":"e4m3"}}`)},
		"awq gemm (config.json: quantization_config)":                          {"config.json": text(`{"quantization_config":{"quant_method":"AWQ","version":"gemm"}}`)},
		"bitsandbytes nf4 (config.json: text_config.quantization_config)":      {"config.json": text(`{"text_config":{"quantization_config":{"quant_method":"bitsandbytes","bnb_4bit_quant_type":"nf4"}}}`)},
		"compressed-tensors pack-quantized (config.json: quantization_config)": {"config.json": text(`{"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized"}}`)},
		"modelopt NVFP4 (hf_quant_config.json: quantization)":                  {"config.json": text(`{}`), "hf_quant_config.json": text(`{"quantization":{"quant_algo":"NVFP4"}}`)},
		"gptq (quantize_config.json)":                                          {"config.json": text(`{}`), "quantize_config.json": text(`{"bits":4,"group_size":128}`)},
		"mlx (config.json: quantization)":                                      {"config.json": text(`{"quantization":{"group_size":64,"bits":4}}`)},
		"gptq (tensor a.g_idx of type I32)":                                    {"config.json": text(`{}`), "model.safetensors": tensors(named("a.g_idx", dtype.I32), named("a.qweight", dtype.I32), named("a.qzeros", dtype.I32))},
		"awq (tensor a.qzeros of type I32)":                                    {"config.json": text(`{}`), "model.safetensors": tensors(named("a.qweight", dtype.I32), named("a.qzeros", dtype.I32))},
		"bitsandbytes (tensor a.SCB of type F32)":                              {"config.json": text(`{}`), "model.safetensors": tensors(named("a.SCB", dtype.F32), named("a.weight", dtype.I8))},
		"mlx (tensor a.biases of type BF16)":                                   {"config.json": text(`{}`), "model.safetensors": tensors(named("a.biases", dtype.BF16), named("a.scales", dtype.BF16), named("a.weight", dtype.U32))},
		"fp8 (tensor a.weight_scale_inv of type F32)":                          {"config.json": text(`{}`), "model.safetensors": tensors(named("a.weight", dtype.F8E4M3), named("a.weight_scale_inv", dtype.F32))},
		"mxfp4 (tensor e.down_proj_blocks of type U8)":                         {"config.json": text(`{}`), "model.safetensors": tensors(named("e.down_proj_blocks", dtype.U8), named("e.down_proj_scales", dtype.U8))},
	} {
		if files["model.safetensors"] == nil {
			files["model.safetensors"] = plain
		}
		c, err := OpenFS(t.Context(), files, "m")
		if err != nil {
			t.Fatal(err)
		}
		if q, ok := c.Quantization(); !ok || q.String() != want {
			t.Errorf("%q, %v, want %q", q, ok, want)
		}
	}
}
