package arch

import (
	_ "embed"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

//go:embed testdata/defaults.json
var completed []byte // by internal/fixtures/models/defaults.py

// TestClassesAssumeWhatTransformersDoes drops every key of a configuration of
// every class in turn: the model must be that of the configuration that
// transformers' configuration class completes.
func TestClassesAssumeWhatTransformersDoes(t *testing.T) {
	var table map[string]struct {
		Config map[string]any
		Added  map[string]map[string]any
	}
	decoder := json.NewDecoder(strings.NewReader(string(completed)))
	decoder.UseNumber()
	if err := decoder.Decode(&table); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		row := table[name]
		for _, dropped := range slices.Sorted(maps.Keys(row.Added)) {
			t.Run(name+" without "+dropped, func(t *testing.T) {
				less := text(row.Config)
				delete(less, dropped)
				full := maps.Clone(less)
				for _, added := range []map[string]any{row.Added[""], row.Added[dropped]} {
					maps.Copy(full, added)
				}
				// What is dropped may stand under the name that transformers 5 has for it.
				got, err := modelOf(row.Config, less)
				if err != nil {
					if e := new(fault.Error); errors.As(err, &e) && e.Class == fault.ErrCorrupt && (strings.TrimPrefix(e.Key, "text_config.") == dropped || slices.Contains(sizes, dropped)) {
						return // a model cannot be told without it
					}
					t.Fatal(err)
				}
				want, err := modelOf(row.Config, full)
				if err != nil && slices.Contains(sizes, dropped) {
					return
				}
				if err != nil {
					t.Fatal("completed: ", err)
				}
				if d := Differences(got, want); len(d) > 0 {
					t.Errorf("the model and not the completed one:\n%s", strings.Join(d, "\n"))
				}
			})
		}
	}
}

// sizes are keys whose class default contradicts the other sizes of a small
// model.
var sizes = []string{"num_attention_heads", "num_key_value_heads", "head_dim", "qk_rope_head_dim", "num_experts_per_tok",
	"cross_attention_layers", "o_groups", "linear_num_key_heads", "n_embd", "n_head", "n_layer"}

// text returns the part of a configuration that is the text model's, to be
// changed.
func text(config map[string]any) map[string]any {
	if part, ok := config["text_config"].(map[string]any); ok {
		return maps.Clone(part)
	}
	return maps.Clone(config)
}

// modelOf describes the model of a configuration with another text part.
func modelOf(config, part map[string]any) (Model, error) {
	if _, ok := config["text_config"]; ok {
		config = maps.Clone(config)
		config["text_config"] = part
	} else {
		config = part
	}
	h, err := FromConfig(hf.NewConfig(config, "config.json"))
	if err != nil {
		return Model{}, err
	}
	a, _ := ByClass(h.Class)
	return Describe(a, h)
}
