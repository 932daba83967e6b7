package unpack

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// refused are methods, by patterns of name and format, whose layouts are a
// kernel's own or whose weights only a kernel can compute.
var refused = []struct{ method, format, says string }{
	{"gptq|awq|auto-round", ".*(marlin|exllama|machete|bitblas|ipex).*", "save it with GPTQModel or AutoAWQ in their plain layouts"},
	{"awq", "(?i)gemv_fast|llm-awq", "save it with AutoAWQ, version gemm"},
	{"compressed-tensors", "marlin-24", "decompress it with compressed-tensors, or quantize it without sparsity"},
	{"aqlm|quip|quip#|quip_sharp|qtip|vptq|spqr|higgs|eetq|exl2|exl3|fp_quant|sinq|paroquant|qqq|bitnet|tiled", "", "take the 16-bit original, or dequantize it with transformers and save that"},
}

// refuse reports methods that cannot be read.
func refuse(ckpt *hf.Checkpoint, q hf.Quantization) error {
	for _, r := range refused {
		method, format := regexp.MustCompile("^(?:"+r.method+")$"), regexp.MustCompile("^(?:"+r.format+")$")
		if method.MatchString(q.Method) && (r.format == "" || format.MatchString(q.Format) || q.Config.Has("backend") && format.MatchString(strings.ToLower(text(q.Config, "backend")))) {
			return fault.Op("unpack").Folder(ckpt.Name()).Unsupported("the checkpoint is quantized by %s, which is not read; %s", q.Name(), r.says)
		}
	}
	if q.Method == "compressed-tensors" {
		if at := turned(q.Config); at != "" {
			return fault.Op("unpack").Folder(ckpt.Name()).Unsupported("%s has a \"transform_config\" that turns %s while the model runs, which no file can say; take a checkpoint whose rotations lie in the weights alone, or the 16-bit original", q.Source, at)
		}
	}
	return nil
}

// places are where transforms of compressed-tensors act on what flows through
// the model; in weights they are stored.
var places = map[string]string{
	"input": "the inputs of matrices", "output": "the outputs of matrices",
	"q_attn": "queries", "attn_q": "queries", "k_cache": "keys", "attn_k": "keys",
	"weight_input": "", "weight_output": "",
}

// turned says what transforms turn that nothing stored undoes, "" where there
// is no such thing. Queries and keys that are turned alike have the products
// that they had.
func turned(config hf.Config) string {
	groups, _ := config.Sub("transform_config.config_groups")
	for name := range groups.Values() {
		group, _ := groups.Sub(name)
		apply, _ := group.Value("apply")
		list, ok := apply.([]any)
		if !ok {
			return "what it does not say"
		}
		found := map[string][]any{} // by what is turned: whether by the inverse
		for _, a := range list {
			object, _ := a.(map[string]any)
			location, _ := object["location"].(string)
			what, known := places[location]
			if !known {
				return strconv.Quote(location)
			}
			inverse, _ := object["inverse"].(bool)
			found[what] = append(found[what], []any{inverse, object["targets"], object["ignore"]})
		}
		if kind := text(group, "type"); (kind == "hadamard" || kind == "random-hadamard") && reflect.DeepEqual(found["queries"], found["keys"]) {
			delete(found, "queries")
			delete(found, "keys")
		}
		delete(found, "")
		if len(found) > 0 {
			return strings.Join(slices.Sorted(maps.Keys(found)), " and ")
		}
	}
	return ""
}

func text(c hf.Config, key string) string {
	s, err := c.StringOr(key, "")
	if err != nil {
		return ""
	}
	return s
}
