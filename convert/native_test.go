package convert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
)

// The keys are those of the reference converter for the same folder. Values
// are compared in formats/tokenizer.
func TestNativeVocabularyHasTheReferencesKeys(t *testing.T) {
	for _, f := range models.All(t) {
		if f.Name != "mistral-native" {
			continue
		}
		dir := f.Unpack(t)
		raw, err := os.ReadFile("../formats/tokenizer/testdata/tekken.json")
		if err != nil {
			t.Fatal(err)
		}
		var tekken map[string]any
		if err := json.Unmarshal(raw, &tekken); err != nil {
			t.Fatal(err)
		}
		tekken["config"].(map[string]any)["default_vocab_size"] = 300
		raw, _ = json.Marshal(tekken)
		if err := os.WriteFile(filepath.Join(dir, "tekken.json"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		ckpt, err := hf.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		p, err := NewPlan(t.Context(), ckpt, Options{Type: F32})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, kv := range p.KVs {
			got = append(got, kv.Key)
		}
		want := strings.Fields(`general.architecture general.type general.name general.size_label llama.block_count llama.context_length
			llama.embedding_length llama.feed_forward_length llama.attention.head_count llama.attention.head_count_kv llama.rope.freq_base
			llama.attention.layer_norm_rms_epsilon llama.attention.key_length llama.attention.value_length general.file_type
			llama.rope.dimension_count general.quantization_version tokenizer.ggml.model tokenizer.ggml.pre tokenizer.ggml.merges
			tokenizer.ggml.bos_token_id tokenizer.ggml.eos_token_id tokenizer.ggml.unknown_token_id tokenizer.ggml.padding_token_id
			tokenizer.ggml.tokens tokenizer.ggml.scores tokenizer.ggml.token_type llama.vocab_size tokenizer.ggml.add_bos_token
			tokenizer.ggml.add_eos_token tokenizer.chat_template`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-reference +mq):\n%s", diff)
		}
		if n, _ := p.KVs.Int("llama.vocab_size"); n != 300 {
			t.Errorf("vocab_size is %d", n)
		}
		return
	}
	t.Error("no such family")
}
