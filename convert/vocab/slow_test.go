package vocab

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// spread is a checkpoint whose vocabulary is in vocab.json and merges.txt.
func spread(t testing.TB, class string) (files memFiles, merges string) {
	var file struct {
		Model struct {
			Vocab  json.RawMessage
			Merges []any
		}
		Added []struct {
			ID      int
			Content string
		} `json:"added_tokens"`
	}
	files = edited(t, map[string]func(map[string]any){
		"tokenizer_config.json": func(config map[string]any) { config["tokenizer_class"] = class },
	})
	if err := json.Unmarshal(files["tokenizer.json"], &file); err != nil {
		t.Fatal(err)
	}
	var sb strings.Builder
	sb.WriteString("#version: 0.2\n")
	for _, m := range file.Model.Merges {
		if pair, ok := m.([]any); ok {
			m = pair[0].(string) + " " + pair[1].(string)
		}
		sb.WriteString(m.(string) + "\n")
	}
	ids := map[string]int{}
	for _, a := range file.Added {
		ids[a.Content] = a.ID
	}
	files["vocab.json"], files["merges.txt"] = file.Model.Vocab, []byte(sb.String())
	files["added_tokens.json"], _ = json.Marshal(ids)
	return files, sb.String()
}

func TestVocabulariesThatAreSpreadOverFilesAreReadAsOne(t *testing.T) {
	files, _ := spread(t, "Qwen2Tokenizer")
	delete(files, "tokenizer.json")
	v, err := Read(t.Context(), files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Read(t.Context(), testCheckpoints[0].files(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tokens", "merges", "token_type", "bos_token_id", "eos_token_id"} {
		want, _ := whole.KVs.Get(key(name))
		got, _ := v.KVs.Get(key(name))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %.400s", name, diff)
		}
	}
	if v.Pre() != "qwen2" {
		t.Errorf("pre-tokenizer %q", v.Pre())
	}
	own, err := tokenizer.FromCheckpoint(files)
	if err != nil {
		t.Fatal(err)
	}
	const text = "I'm in 12 pieces<|eot_id|>"
	opts := tokenizer.Options{ParseSpecial: true}
	if got, want := encoded(v, text, opts), encoded(own, text, opts); !slices.Equal(got, want) {
		t.Errorf("got %v, the library's ids are %v", got, want)
	}
	files, _ = spread(t, "BloomTokenizer")
	delete(files, "tokenizer.json")
	if _, err := Read(t.Context(), files, Options{}); !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), "save_pretrained") {
		t.Errorf("an unknown class: %v", err)
	}
}

func TestMergesComeFromTheirOwnFileWhereTokenizerJSONHasNone(t *testing.T) {
	files, _ := spread(t, "PreTrainedTokenizerFast")
	delete(files, "vocab.json")
	want, err := Read(t.Context(), testCheckpoints[0].files(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(files["tokenizer.json"], &file); err != nil {
		t.Fatal(err)
	}
	file["model"].(map[string]any)["merges"] = []string{}
	files["tokenizer.json"], _ = json.Marshal(file)
	got, err := Read(t.Context(), files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.KVs, got.KVs); diff != "" {
		t.Errorf("%.400s", diff)
	}
	files["merges.txt"] = []byte("#version: 0.2\na b c\n")
	if _, err := Read(t.Context(), files, Options{}); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "merges.txt: line 2") {
		t.Errorf("a merge of three: %v", err)
	}
}
