package unpack

import (
	"regexp"
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
	if q.Method == "compressed-tensors" && turnsActivations(q.Config) {
		return fault.Op("unpack").Folder(ckpt.Name()).Unsupported("%s has a \"transform_config\": its weights are rotated, and only its runtime turns the activations with them", q.Source)
	}
	return nil
}

// turnsActivations reports whether weights are rotated and something else than
// other weights undoes it.
func turnsActivations(config hf.Config) bool {
	groups, _ := config.Sub("transform_config.config_groups")
	for name := range groups.Values() {
		group, _ := groups.Sub(name)
		apply, _ := group.Value("apply")
		list, ok := apply.([]any)
		if !ok {
			return true
		}
		for _, a := range list {
			object, _ := a.(map[string]any)
			if at := object["location"]; at != "weight_input" && at != "weight_output" {
				return true
			}
		}
	}
	return false
}

func text(c hf.Config, key string) string {
	s, err := c.StringOr(key, "")
	if err != nil {
		return ""
	}
	return s
}
