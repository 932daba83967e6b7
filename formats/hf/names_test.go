package hf

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestDropsWhatLibrariesAddToNames: a wrapped model that was saved as it is
// has the tensors of the model itself.
func TestDropsWhatLibrariesAddToNames(t *testing.T) {
	for _, c := range []struct{ names, want, says string }{
		{"model.embed_tokens.weight lm_head.weight", "lm_head.weight model.embed_tokens.weight", ""},
		{"_orig_mod.model.embed_tokens.weight _orig_mod.lm_head.weight", "lm_head.weight model.embed_tokens.weight", `"_orig_mod." is dropped from the names of 2 tensors, where torch.compile`},
		{"model.layers.0._orig_mod.mlp.up_proj.weight model.embed_tokens.weight", "model.embed_tokens.weight model.layers.0.mlp.up_proj.weight", "of 1 tensors"},
		{"module.model.norm.weight module.model.embed_tokens.weight", "model.embed_tokens.weight model.norm.weight", "DataParallel"},
		{"module._orig_mod.base_model.model.model.norm.weight model.embed_tokens.weight", "model.embed_tokens.weight model.norm.weight", "PEFT"},
		{"base_model.model.model.norm.weight base_model.model.model.embed_tokens.weight", "model.embed_tokens.weight model.norm.weight", "PEFT"},
		{"_fsdp_wrapped_module.model.layers.1._fsdp_wrapped_module._checkpoint_wrapped_module.input_layernorm.weight model.embed_tokens.weight", "model.embed_tokens.weight model.layers.1.input_layernorm.weight", "FSDP"},
		{"pretrained_model.model.embed_tokens.weight v_head.summary.weight", "model.embed_tokens.weight v_head.summary.weight", "TRL"},
		{"model.model.embed_tokens.weight model.model.norm.weight model.lm_head.weight", "lm_head.weight model.embed_tokens.weight model.norm.weight", "Lightning"},
		// What would leave two tensors of one name stays.
		{"module.a.embed_tokens.weight a.embed_tokens.weight", "a.embed_tokens.weight module.a.embed_tokens.weight", ""},
		// Parts of names that only look like it.
		{"model.module.embed_tokens.weight x_orig_mod.weight", "model.module.embed_tokens.weight x_orig_mod.weight", ""},
	} {
		checkpoint, err := OpenFS(t.Context(), fstest.MapFS{"config.json": text("{}"), "model.safetensors": weightFile(t, strings.Fields(c.names)...)}, "m")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tensor := range checkpoint.Tensors() {
			got = append(got, tensor.Name)
			if found, ok := checkpoint.Lookup(tensor.Name); !ok || found.Name != tensor.Name {
				t.Errorf("%s cannot be looked up", tensor.Name)
			}
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s (-want +mq):\n%s", c.names, d)
		}
		if notes := strings.Join(checkpoint.Notes(), "; "); !strings.Contains(notes, c.says) || c.says == "" && notes != "" {
			t.Errorf("%s: %q, want %q", c.names, notes, c.says)
		}
	}
}

// TestALoneOutputMatrixIsTheEmbedding, unless config.json unties the two.
func TestALoneOutputMatrixIsTheEmbedding(t *testing.T) {
	for _, c := range []struct{ config, names, want string }{
		{`{"tie_word_embeddings":true}`, "lm_head.weight model.layers.0.norm.weight", "model.embed_tokens.weight model.layers.0.norm.weight"},
		{`{}`, "lm_head.weight model.layers.0.norm.weight", "model.embed_tokens.weight model.layers.0.norm.weight"},
		{`{"text_config":{"tie_word_embeddings":true}}`, "language_model.lm_head.weight language_model.model.layers.0.norm.weight", "language_model.model.embed_tokens.weight language_model.model.layers.0.norm.weight"},
		{`{"tie_word_embeddings":false}`, "lm_head.weight model.norm.weight", "lm_head.weight model.norm.weight"},
		{`{"text_config":{"tie_word_embeddings":false}}`, "lm_head.weight", "lm_head.weight"},
		{`{"tie_word_embeddings":true}`, "lm_head.weight model.embed_tokens.weight", "lm_head.weight model.embed_tokens.weight"},
		{`{}`, "output.weight layers.0.norm.weight", "layers.0.norm.weight tok_embeddings.weight"},
		{`{}`, "lm_head.weight transformer.h.0.norm.weight transformer.wte.weight", "lm_head.weight transformer.h.0.norm.weight transformer.wte.weight"},
		{`{}`, "attention_output.weight", "attention_output.weight"},
	} {
		got, _ := names(t, fstest.MapFS{"config.json": text(c.config), "model.safetensors": weightFile(t, strings.Fields(c.names)...)})
		if got = strings.ReplaceAll(got, "model.safetensors:", ""); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.config, c.names, got, c.want)
		}
	}
}

// TestPrefersASingleFileAsTransformersDoes: an index, or shards, of another
// model beside it are not used, and that is said.
func TestPrefersASingleFileAsTransformersDoes(t *testing.T) {
	config, whole, other := text("{}"), weightFile(t, "a", "b"), weightFile(t, "c")
	stale := indexOf(t, map[string]string{"c": "model-00001-of-00001.safetensors"})
	own := indexOf(t, map[string]string{"a": "model.safetensors", "b": "model.safetensors"})
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
		says  []string
	}{
		"stale index":            {fstest.MapFS{"model.safetensors.index.json": stale}, "a b", []string{"model.safetensors, as transformers", "model.safetensors.index.json, which names model-00001-of-00001.safetensors, is not used"}},
		"stale index and shards": {fstest.MapFS{"model.safetensors.index.json": stale, "model-00001-of-00001.safetensors": other}, "a b", []string{"as transformers", "weight files that are not used: model-00001-of-00001.safetensors"}},
		"broken index":           {fstest.MapFS{"model.safetensors.index.json": text("{")}, "a b", []string{"cannot be read"}},
		"its own index":          {fstest.MapFS{"model.safetensors.index.json": own}, "a b", nil},
		"shards alone":           {fstest.MapFS{"model-00001-of-00001.safetensors": other}, "a b", []string{"not used: model-00001-of-00001.safetensors"}},
		"adapter":                {fstest.MapFS{"adapter_model.safetensors": other}, "a b", []string{"not used: adapter_model.safetensors"}},
		"pickled copy":           {fstest.MapFS{"pytorch_model.bin": text("x"), "consolidated.00.pth": text("x")}, "a b", []string{"not used: consolidated.00.pth, pytorch_model.bin"}},
		"other files":            {fstest.MapFS{"training_args.bin": text("x"), "optimizer.pt": text("x"), "tokenizer.model": text("x")}, "a b", nil},
	} {
		c.files["config.json"], c.files["model.safetensors"] = config, whole
		checkpoint, err := OpenFS(t.Context(), c.files, "m")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, tensor := range checkpoint.Tensors() {
			got = append(got, tensor.Name)
		}
		notes := strings.Join(checkpoint.Notes(), "; ")
		if strings.Join(got, " ") != c.want || c.says == nil && notes != "" {
			t.Errorf("%s: %s, notes %q", name, got, notes)
		}
		for _, says := range c.says {
			if !strings.Contains(notes, says) {
				t.Errorf("%s: notes %q, want %q", name, notes, says)
			}
		}
	}
}
