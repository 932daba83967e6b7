package vocab

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/gguf"
)

func TestChatTemplateComesFromTheFirstFileThatHasOne(t *testing.T) {
	base := testCheckpoints[0].files(t)
	chat := func(edit func(files memFiles, config map[string]any)) gguf.KVs {
		files := memFiles{}
		for name, raw := range base {
			files[name] = raw
		}
		var config map[string]any
		if err := json.Unmarshal(base["tokenizer_config.json"], &config); err != nil {
			t.Fatal(err)
		}
		delete(config, "chat_template")
		edit(files, config)
		files["tokenizer_config.json"], _ = json.Marshal(config)
		tok, err := Read(t.Context(), files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return tok.KVs
	}
	kvs := chat(func(files memFiles, config map[string]any) {
		files["chat_template.jinja"] = []byte("from\r\njinja")
		files["chat_template.json"] = []byte(`{"chat_template":"from json"}`)
	})
	if s, _ := kvs.String("tokenizer.chat_template"); s != "from\njinja" {
		t.Errorf("got %q", s)
	}
	kvs = chat(func(files memFiles, _ map[string]any) {
		files["chat_template.json"] = []byte(`{"chat_template":"from json"}`)
	})
	if s, _ := kvs.String("tokenizer.chat_template"); s != "from json" {
		t.Errorf("got %q", s)
	}
	kvs = chat(func(_ memFiles, config map[string]any) {
		config["chat_template"] = []any{map[string]any{"name": "default", "template": "a"}, map[string]any{"name": "tool use", "template": "b"}}
	})
	main, _ := kvs.String("tokenizer.chat_template")
	tool, _ := kvs.String("tokenizer.chat_template.tool_use")
	names, _ := kvs.Strings("tokenizer.chat_templates")
	if main != "a" || tool != "b" || len(names) != 1 || names[0] != "tool_use" {
		t.Errorf("got %q, %q, %q", main, tool, names)
	}
}

func TestChatTemplatesComeInTheOrderOfTransformers(t *testing.T) {
	for name, test := range map[string]struct {
		inline any
		note   bool
	}{
		"null":     {nil, false},
		"the same": {"NEW", false},
		"stale":    {"OLD", true},
	} {
		files := edited(t, map[string]func(map[string]any){
			"tokenizer_config.json": func(config map[string]any) { config["chat_template"] = test.inline },
		})
		files["chat_template.jinja"] = []byte("NEW")
		v, err := Read(t.Context(), files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if chat, _ := v.KVs.String("tokenizer.chat_template"); chat != "NEW" {
			t.Errorf("%s: got %q", name, chat)
		}
		said := len(v.Notes) == 1 && strings.Contains(v.Notes[0], "chat_template.jinja and tokenizer_config.json")
		if said != test.note || len(v.Notes) > 1 {
			t.Errorf("%s: notes %q", name, v.Notes)
		}
	}
	files := edited(t, map[string]func(map[string]any){
		"tokenizer_config.json": func(config map[string]any) { config["chat_template"] = nil },
	})
	files["chat_template.json"] = []byte(`{"chat_template":"from json"}`)
	v, err := Read(t.Context(), files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if chat, _ := v.KVs.String("tokenizer.chat_template"); chat != "from json" {
		t.Errorf("a null hides %q", chat)
	}
}

func TestNamedChatTemplatesStandBesideTheDefault(t *testing.T) {
	files := testCheckpoints[0].files(t)
	files["tokenizer_config.json"] = []byte(`{"bos_token":"<s>"}`)
	files["chat_template.jinja"] = []byte("main")
	files["additional_chat_templates/tool-use.jinja"] = []byte("tools\r\n")
	files["additional_chat_templates/rag.jinja"] = []byte("rag")
	files["additional_chat_templates/notes.txt"] = []byte("no template")
	for _, config := range []string{`{"bos_token":"<s>"}`, ""} {
		if files["tokenizer_config.json"] = []byte(config); config == "" {
			delete(files, "tokenizer_config.json")
		}
		tok, err := Read(t.Context(), files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		kvs := tok.KVs
		for name, want := range map[string]string{"": "main", ".tool_use": "tools\n", ".rag": "rag"} {
			if got, _ := kvs.String("tokenizer.chat_template" + name); got != want {
				t.Errorf("%q: got %q", name, got)
			}
		}
		if names, _ := kvs.Strings("tokenizer.chat_templates"); strings.Join(names, " ") != "rag tool_use" {
			t.Errorf("got %q", names)
		}
	}
}

func TestSpecialTokensFallBackToOtherFiles(t *testing.T) {
	base := testCheckpoints[0].files(t)
	special := func(more map[string]string) map[string]int64 {
		files := maps.Clone(base)
		for name, text := range more {
			files[name] = []byte(text)
		}
		tok, err := Read(t.Context(), files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]int64{}
		for _, role := range []string{"bos", "eos", "padding", "unknown", "mask"} {
			if id, ok := tok.KVs.Int("tokenizer.ggml." + role + "_token_id"); ok {
				ids[role] = id
			}
		}
		return ids
	}
	config := func(text string) map[string]string {
		return map[string]string{"tokenizer_config.json": text, "config.json": `{"architectures":["LlamaForCausalLM"],"vocab_size":1024,"bos_token_id":7}`,
			"special_tokens_map.json": `{"eos_token":{"content":"<|end_of_text|>"},"mask_token":"nobody","bos_token":"a"}`,
			"generation_config.json":  `{"eos_token_id":9,"pad_token_id":[5,6],"unk_token_id":-1,"bos_token_id":3}`}
	}
	end := special(config(`{"eos_token":"nobody"}`)) // said, though by a name that is no token
	if diff := cmp.Diff(map[string]int64{"bos": 1016, "padding": 5}, end); diff != "" {
		t.Error(diff)
	}
	all := special(config(`{"pad_token":null}`))
	if diff := cmp.Diff(map[string]int64{"bos": 1016, "eos": 1017, "padding": 5}, all); diff != "" {
		t.Error(diff)
	}
}

// The templates are those that internal/fixtures/tokenizer/chat.py compared
// with the mistral-common library.
func TestChatTemplatesAreTheCheckedOnes(t *testing.T) {
	checked := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(readFile(t, "testdata/chat.tsv")), "\n") {
		name, sum, _ := strings.Cut(line, "\t")
		checked[name] = sum
	}
	list, err := chatFiles.ReadDir("templates")
	if err != nil || len(list) != len(checked) {
		t.Fatalf("%d templates, %d of them checked, %v", len(list), len(checked), err)
	}
	for _, e := range list {
		if got := showValue(readFile(t, "templates/"+e.Name())); got != checked[e.Name()] {
			t.Errorf("%s was changed after it was checked", e.Name())
		}
	}
}

func TestTemplatesWithoutADefaultAreSaid(t *testing.T) {
	files := edited(t, map[string]func(map[string]any){
		"tokenizer_config.json": func(config map[string]any) {
			config["chat_template"] = []any{map[string]any{"name": "tool_use", "template": "b"}}
		},
	})
	v, err := Read(t.Context(), files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := v.KVs.Get("tokenizer.chat_template"); ok || !slices.ContainsFunc(v.Notes, func(n string) bool { return strings.Contains(n, "tool_use and none called default") }) {
		t.Errorf("a default template %v, notes %q", ok, v.Notes)
	}
}
