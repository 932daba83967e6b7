package hf

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/f190792d/mq/formats/dtype"
)

// Quantization says how the weights of a checkpoint were already quantized.
type Quantization struct {
	Method string // "fp8", "awq", "gptq", "bitsandbytes", "compressed-tensors", "modelopt", "mxfp4", "mlx", …
	Format string // the method's own subdivision, "" where it has none: "pack-quantized", "NVFP4", "nf4"
	Config Config // the object that says so; empty when it was seen from the tensors
	Source string // what it was recognized by, for messages
}

func (q Quantization) String() string {
	if q.Format == "" {
		return fmt.Sprintf("%s (%s)", q.Method, q.Source)
	}
	return fmt.Sprintf("%s %s (%s)", q.Method, q.Format, q.Source)
}

// properNames are those that people use for methods.
var properNames = map[string]string{
	"fp8": "FP8", "mistral-fp8": "FP8", "awq": "AWQ", "gptq": "GPTQ", "hqq": "HQQ", "modelopt": "ModelOpt", "mxfp4": "MXFP4", "mlx": "MLX",
	"aqlm": "AQLM", "eetq": "EETQ", "exl2": "EXL2", "exl3": "EXL3", "quip": "QuIP#", "int8": "8-bit integers", "packed": "packed integers",
}

// Name is the method with its subdivision, as people write them: "ModelOpt
// (NVFP4)".
func (q Quantization) Name() string {
	name := cmp.Or(properNames[q.Method], q.Method)
	if q.Format != "" && q.Format != q.Method {
		name += " (" + q.Format + ")"
	}
	return name
}

// declared are the places where producers write what they did: an object, a key
// that it must have, and the method, which is that key's value where left empty.
var declared = []struct{ file, object, key, method string }{
	{"", "quantization_config", "quant_method", ""},
	{"", "text_config.quantization_config", "quant_method", ""},
	{"", "llm_config.quantization_config", "quant_method", ""},
	{"", "compression_config", "format", "compressed-tensors"},
	{"", "quantization_config", "quant_algo", "modelopt"},
	{"", "quantization_config", "load_in_8bit", "bitsandbytes"},
	{"hf_quant_config.json", "quantization", "quant_algo", "modelopt"},
	{"quantize_config.json", "", "quant_method", ""},
	{"quantize_config.json", "", "bits", "gptq"},
	{"quant_config.json", "", "w_bit", "awq"},
	{"", "quantization", "qformat_weight", "mistral-fp8"},
	{"", "quantization", "bits", "mlx"},
}

// formats are the keys under which methods name their subdivision.
var formats = []string{"format", "quant_algo", "checkpoint_format", "bnb_4bit_quant_type", "qformat_weight", "fmt", "version"}

// suffixes of tensor names that only one method writes. The most telling come
// first: methods share names.
var suffixes = []struct {
	suffix string
	dtype  dtype.DType // Invalid: any
	method string
}{
	{".SCB", dtype.Invalid, "bitsandbytes"},
	{".absmax", dtype.Invalid, "bitsandbytes"},
	{".quant_state.bitsandbytes__nf4", dtype.Invalid, "bitsandbytes"},
	{".quant_state.bitsandbytes__fp4", dtype.Invalid, "bitsandbytes"},
	{".g_idx", dtype.Invalid, "gptq"},
	{".q_invperm", dtype.Invalid, "exl2"},
	{".trellis", dtype.Invalid, "exl3"},
	{".Qidxs", dtype.Invalid, "quip"},
	{".codebooks", dtype.Invalid, "aqlm"},
	{".W_q", dtype.Invalid, "hqq"},
	{".weight._data", dtype.Invalid, "quanto"},
	{".weight._data._data", dtype.Invalid, "quanto"},
	{"._weight_qdata", dtype.Invalid, "torchao"},
	{".weight_packed", dtype.Invalid, "compressed-tensors"},
	{".weight_scale_2", dtype.Invalid, "modelopt"},
	{".weight_scale_inv", dtype.Invalid, "fp8"},
	{".qscale_weight", dtype.Invalid, "mistral-fp8"},
	{"_blocks", dtype.U8, "mxfp4"},
	{".qzeros", dtype.Invalid, "awq"},
	{".qweight", dtype.Invalid, "gptq"},
	{".biases", dtype.Invalid, "mlx"},
	{".weight", dtype.F8E4M3, "fp8"},
	{".weight", dtype.F8E5M2, "fp8"},
	{".weight", dtype.I8, "int8"},
	{".weight", dtype.U8, "packed"},
	{".weight", dtype.U32, "packed"},
}

// Quantization recognizes a checkpoint whose weights are not plain floats, by
// what its configuration declares or else by names and types of its tensors.
func (c *Checkpoint) Quantization() (Quantization, bool) {
	if q, ok := c.declaredQuantization(); ok {
		return q, true
	}
	for _, s := range suffixes {
		for _, t := range c.tensors {
			if strings.HasSuffix(t.Name, s.suffix) && (s.dtype == dtype.Invalid || s.dtype == t.DType) {
				return Quantization{Method: s.method, Source: fmt.Sprintf("tensor %s of type %s", t.Name, t.DType)}, true
			}
		}
	}
	return Quantization{}, false
}

func (c *Checkpoint) declaredQuantization() (Quantization, bool) {
	for _, d := range declared {
		config, source := c.config, c.layout.configFile()
		if d.file != "" {
			var err error
			if config, err = c.ReadJSON(d.file); err != nil {
				continue // an aid to recognition only
			}
			source = d.file
		}
		if d.object != "" {
			config, _ = config.Sub(d.object)
			source += ": " + d.object
		}
		if !config.Has(d.key) {
			continue
		}
		q := Quantization{Method: d.method, Config: config, Source: source}
		if d.method == "" {
			q.Method = strings.ToLower(config.text(d.key))
		}
		for _, key := range formats {
			if q.Format == "" && q.Method != "" {
				q.Format = config.text(key)
			}
		}
		if q.Method != "" {
			return q, true
		}
	}
	return Quantization{}, false
}

// text is the string under a key, "" where there is none.
func (c Config) text(key string) string {
	s, err := c.String(key)
	if err != nil {
		return ""
	}
	return s
}
