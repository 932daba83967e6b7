package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/tiny"
)

// converted converts a folder with the check at the end, and returns the file
// and what was said.
func converted(t *testing.T, dir string, flags ...string) (file []byte, says string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "x.gguf")
	code, says := run(append([]string{"convert", dir, "-t", "f32", "-o", out, "--model-name", "x"}, flags...)...)
	if code != 0 {
		t.Errorf("exit %d: %s", code, says)
		return nil, says
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return file, says
}

func renamed(change func(name string) string) func(*tiny.Files) {
	return func(f *tiny.Files) {
		for i := range f.Tensors {
			f.Tensors[i].Name = change(f.Tensors[i].Name)
		}
	}
}

func prefixed(prefix string) func(*tiny.Files) {
	return renamed(func(name string) string { return prefix + name })
}

// with adds F32 tensors of two values.
func with(names ...string) func(*tiny.Files) {
	return func(f *tiny.Files) {
		for _, name := range names {
			f.Tensors = append(f.Tensors, safetensors.Named{Name: name, DType: dtype.F32, Shape: []int64{2}, Data: make([]byte, 8)})
		}
	}
}

// TestWhatTrainingLeavesInTheNamesChangesNothing: the file is that of the plain
// checkpoint, byte for byte, and what was passed over is said.
func TestWhatTrainingLeavesInTheNamesChangesNothing(t *testing.T) {
	for _, class := range brief.Of([]string{"LlamaForCausalLM", "Qwen2ForCausalLM", "MixtralForCausalLM", "Qwen3NextForCausalLM"}, 4) {
		want, _ := converted(t, checkpoint(t, class, nil))
		for _, c := range []struct {
			name, says string
			change     func(*tiny.Files)
		}{
			{"torch.compile", `"_orig_mod."`, prefixed("_orig_mod.")},
			{"torch.compile of a part", `"_orig_mod."`, renamed(func(name string) string { return strings.Replace(name, "layers.0.", "layers.0._orig_mod.", 1) })},
			{"data parallel", `"module."`, prefixed("module.")},
			{"PEFT", `"base_model.model."`, prefixed("base_model.model.")},
			{"all of them", `"base_model.model."`, prefixed("module._orig_mod.base_model.model.")},
			{"Lightning", `"model."`, prefixed("model.")},
			{"inv_freq of the model", "model.rotary_emb.inv_freq (a buffer", with("model.rotary_emb.inv_freq")},
			{"inv_freq of the layers", "", with("model.layers.0.self_attn.rotary_emb.inv_freq")},
			{"inv_freq by kind of layer", "a buffer of the rotation", with("model.rotary_emb.full_attention_inv_freq", "model.rotary_emb.sliding_attention_original_inv_freq")},
			{"caches of the rotation", "model.layers.{0-1}.self_attn.rotary_emb.cos_cached", with("model.layers.0.self_attn.rotary_emb.cos_cached", "model.layers.1.self_attn.rotary_emb.cos_cached")},
			{"masks", "a mask", with("model.layers.0.self_attn.bias", "model.layers.0.self_attn.masked_bias", "model.layers.1.attention.masked_bias")},
			{"positions", "model.position_ids", with("model.position_ids")},
			{"value head", "v_head.summary.bias, v_head.summary.weight (a head of training)", with("v_head.summary.weight", "v_head.summary.bias")},
			{"score", "score.weight (a head of training)", with("score.weight")},
			{"value head of a wrapped model", "pretrained_model.", func(f *tiny.Files) {
				prefixed("pretrained_model.")(f)
				with("v_head.summary.weight")(f)
			}},
		} {
			t.Run(class+"/"+c.name, func(t *testing.T) {
				got, says := converted(t, checkpoint(t, class, c.change))
				if got != nil && !bytes.Equal(got, want) {
					t.Error("the file differs from that of the plain checkpoint")
				}
				if !strings.Contains(says, c.says) {
					t.Errorf("%q is not said:\n%s", c.says, says)
				}
			})
		}
	}
}

// TestALoneOutputMatrixIsConvertedAsTied: the file is that of the model with
// the embedding alone.
func TestALoneOutputMatrixIsConvertedAsTied(t *testing.T) {
	tied := func(f *tiny.Files) {
		f.Config["tie_word_embeddings"] = true
		f.Tensors = slices.DeleteFunc(f.Tensors, func(n safetensors.Named) bool { return n.Name == "lm_head.weight" })
	}
	want, _ := converted(t, checkpoint(t, "LlamaForCausalLM", tied))
	got, says := converted(t, checkpoint(t, "LlamaForCausalLM", func(f *tiny.Files) {
		tied(f)
		f.Tensor("model.embed_tokens.weight").Name = "lm_head.weight"
	}))
	if !bytes.Equal(got, want) || !strings.Contains(says, "lm_head.weight serves as the embedding") {
		t.Errorf("it differs, or nothing is said:\n%s", says)
	}
}

// TestRefusesWhatOnlyLooksLikeALeftover: a tensor that the model may compute
// with is never dropped.
func TestRefusesWhatOnlyLooksLikeALeftover(t *testing.T) {
	for says, change := range map[string]func(*tiny.Files){
		"merge it first":                  with("base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight"),
		"computes more than its class":    with("model.layers.0.mlp.c_attn.bias"),
		"model.layers.0.self_attn.scores": with("model.layers.0.self_attn.scores"),
		"model.score_norm.weight":         with("model.score_norm.weight"),
		"model.layers.0.v_head.weight":    with("model.layers.0.v_head.weight"),
	} {
		code, got := run("convert", checkpoint(t, "LlamaForCausalLM", change), "-o", filepath.Join(t.TempDir(), "x.gguf"))
		if code != 4 && code != 5 || !strings.Contains(got, says) {
			t.Errorf("exit %d, want %q: %s", code, says, got)
		}
	}
}

// TestAClassThatConfigJSONDoesNotNameIsThatOfItsModelType.
func TestAClassThatConfigJSONDoesNotNameIsThatOfItsModelType(t *testing.T) {
	for class, kind := range map[string]string{"LlamaForCausalLM": "llama", "Qwen3MoeForCausalLM": "qwen3_moe", "DeepseekV3ForCausalLM": "deepseek_v3", "Qwen3_5ForCausalLM": "qwen3_5_text"} {
		want, _ := converted(t, checkpoint(t, class, func(f *tiny.Files) { f.Config["model_type"] = kind }))
		for name, classes := range map[string]any{"none": nil, "a wrapper": []string{"PeftModelForCausalLM"}, "sharded": []string{"FSDP" + class}} {
			got, says := converted(t, checkpoint(t, class, func(f *tiny.Files) {
				f.Config["model_type"], f.Config["architectures"] = kind, classes
			}))
			if !bytes.Equal(got, want) {
				t.Errorf("%s, %s: the file differs:\n%s", class, name, says)
			}
		}
	}
}

// TestFollowsLinksOutOfTheFolderOnRequest, in every command that reads one.
func TestFollowsLinksOutOfTheFolderOnRequest(t *testing.T) {
	dir := checkpoint(t, "LlamaForCausalLM", nil)
	elsewhere := filepath.Join(t.TempDir(), "weights")
	weights := filepath.Join(dir, "model.safetensors")
	if err := errors.Join(os.Rename(weights, elsewhere), os.Symlink(elsewhere, weights)); err != nil {
		t.Skipf("this system makes no links: %v", err)
	}
	out, text := filepath.Join(t.TempDir(), "x.gguf"), filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("some words of a text. "), 200), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"convert", dir, "-t", "q8_0", "-o", out, "--force"},
		{"plan", dir, "-t", "q8_0"},
		{"inspect", dir},
		{"validate", out, "--against", dir},
		{"validate", out, "--against", dir, "--rederive"},
		{"eval", "--perplexity", dir, "-f", text, "-c", "64"},
		{"imatrix", dir, "-f", text, "-o", filepath.Join(t.TempDir(), "m.gguf"), "--force"},
	} {
		if code, says := run(append(args, "--follow-links")...); code != 0 {
			t.Errorf("%s with --follow-links: exit %d: %s", args, code, says)
		}
		if code, says := run(args...); code != 5 || !strings.Contains(says, "is a link out of the folder") || !strings.Contains(says, "--follow-links") {
			t.Errorf("%s without: exit %d: %s", args, code, says)
		}
	}
}
