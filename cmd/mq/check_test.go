package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/cmd/mq/internal/cli"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/fixtures/models"
)

// lost lists the checkpoints whose files cannot express all of the model, with
// a word of the warning that says so.
var lost = map[string]string{
	"bert":              "Korean",
	"bert-masked":       "Korean",
	"bert-mean":         "Korean",
	"command-r-plus":    "use_qk_norm",
	"deepseek-v2":       "topk_method",
	"exaone4-window":    "sliding_window",
	"falcon-h1-bias":    "mamba_norm_before_gate",
	"gemma3n-shared":    "laurel_rank",
	"gpt-oss":           "truncate",
	"internlm3":         "type dynamic",
	"llama-dynamic":     "type dynamic",
	"llama-longrope":    "longrope",
	"llama-yarn-factor": "attention_factor",
	"llama4-chunked":    "attention_chunk_size is 16",
	"mamba2-limits":     "time_step_limit",
	"minicpm3-tied":     "dim_model_base",
	"mistral":           "sliding_window",
	"nomic-bert":        "Korean",
	"mistral4":          "llama_4_scaling_beta",
	"olmo3":             "attention_factor",
	"phimoe":            "weighs experts against all others",
	"phimoe-wide":       "router_jitter_noise",
	"qwen2-window":      "sliding_window",
	"starcoder2-window": "sliding_window",

	"glm4.7-flash":       "rms_norm_eps",
	"glm4.7-flash-fused": "rms_norm_eps",
	"glm5":               "rms_norm_eps",
	"glm5.2":             "rms_norm_eps",
}

// TestTrueConversionsPassTheirCheck converts the checkpoint of every family
// as a user does, with the comparison at the end, and looks for warnings.
func TestTrueConversionsPassTheirCheck(t *testing.T) {
	for _, f := range brief.Of(models.All(t), 4) {
		t.Run(f.Name, func(t *testing.T) {
			dir := f.Unpack(t)
			for _, kind := range []string{"f32", "auto"} {
				var out, notes bytes.Buffer
				path := filepath.Join(t.TempDir(), "model.gguf")
				if code := cli.Main([]string{"convert", dir, "-t", kind, "-o", path}, strings.NewReader(""), &out, &notes); code != 0 {
					t.Fatalf("%s: exit code %d: %s", kind, code, notes.String())
				}
				if !strings.Contains(notes.String(), "agrees with the source") {
					t.Errorf("%s: not compared: %s", kind, notes.String())
				}
				warned := ""
				for line := range strings.Lines(notes.String()) {
					if strings.HasPrefix(line, "warning: ") {
						warned += line
					}
				}
				if want := lost[f.Name]; !strings.Contains(warned, want) || want == "" && warned != "" {
					t.Errorf("%s: warned %q, want %q", kind, warned, want)
				}
			}
		})
	}
}
