package template

import (
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// vocabulary is a small one with the special tokens of a chat.
func vocabulary(t *testing.T, addsBOS bool) *tokenizer.Tokenizer {
	t.Helper()
	tokens := []string{"<s>", "</s>", "<|user|>", "<|assistant|>", "<|stop|>", "<|im_end|>"}
	kinds := slices.Repeat([]int32{3}, len(tokens))
	for c := range 256 {
		if s := string(rune(c)); c > ' ' && c < 0x7f {
			tokens, kinds = append(tokens, s), append(kinds, 1)
		}
	}
	var kvs gguf.KVs
	kvs.Set("tokenizer.ggml.model", "gpt2")
	kvs.Set("tokenizer.ggml.pre", "gpt-2")
	kvs.Set("tokenizer.ggml.tokens", tokens)
	kvs.Set("tokenizer.ggml.token_type", kinds)
	kvs.Set("tokenizer.ggml.merges", []string{"a b"})
	kvs.Set("tokenizer.ggml.bos_token_id", uint32(0))
	kvs.Set("tokenizer.ggml.eos_token_id", uint32(1))
	kvs.Set("tokenizer.ggml.add_bos_token", addsBOS)
	words, err := tokenizer.FromGGUF(kvs)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

const sound = `{{ bos_token }}{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}<|{{ 'assistant' if m.role == 'assistant' else 'user' }}|>{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`

func TestLintSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		source   string
		addsBOS  bool
		warnings []string
		notes    []string
	}{
		"sound":                    {source: sound},
		"BOS of both":              {source: sound, addsBOS: true, warnings: []string{"starts with two"}},
		"BOS twice":                {source: "{{ bos_token }}" + sound, warnings: []string{"begins with <s> twice"}},
		"no generation prompt":     {source: strings.ReplaceAll(strings.ReplaceAll(sound, "{% if add_generation_prompt %}<|assistant|>{% endif %}", ""), "{{ m.content }}{{ eos_token }}", "{{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}"), warnings: []string{"not told that it is its turn"}},
		"turns that end in words":  {source: strings.ReplaceAll(strings.ReplaceAll(sound, "{% if add_generation_prompt %}<|assistant|>{% endif %}", ""), "{{ eos_token }}", "[/INST]"), warnings: []string{"[/INST], which is not one token"}},
		"a token that is not":      {source: strings.ReplaceAll(sound, "<|assistant|>{% endif", "<|answer|>{% endif"), warnings: []string{"<|answer|>, which is not one token"}},
		"an end that is none":      {source: strings.ReplaceAll(sound, "{{ eos_token }}", "<|stop|>"), warnings: []string{"<|stop|>, which is none of the vocabulary's end tokens"}},
		"an end that is known":     {source: strings.ReplaceAll(sound, "{{ eos_token }}", "<|im_end|>")},
		"unknown names":            {source: sound + "{% if false %}{{ 'x' | from_json }}{{ 1 is prime }}{{ today() }}{% endif %}", warnings: []string{`filter "from_json"`, `function "today"`, `test "prime"`}},
		"what llama.cpp lacks":     {source: sound + "{% with a = 'x' | center %}{% endwith %}", notes: []string{`filter "center"`, `statement "with"`}},
		"last message lost":        {source: "{{ messages[0].content }}", warnings: []string{"lacks the user's last message"}},
		"no tools":                 {source: strings.ReplaceAll(sound, "tools or []", "[]"), notes: []string{"renders no tools"}},
		"system messages refused":  {source: "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + sound, notes: []string{"refuses system messages"}},
		"system messages left out": {source: strings.ReplaceAll(sound, "in messages %}", "in messages if m.role != 'system' %}"), notes: []string{"leaves system messages out"}},
		"does not parse":           {source: "{% if"},
	} {
		t.Run(name, func(t *testing.T) {
			warnings, notes := Lint(t.Context(), c.source, vocabulary(t, c.addsBOS))
			for _, list := range []struct{ got, want []string }{{warnings, c.warnings}, {notes, c.notes}} {
				ok := len(list.got) == len(list.want)
				for i := range min(len(list.got), len(list.want)) {
					ok = ok && strings.Contains(list.got[i], list.want[i])
				}
				if !ok {
					t.Errorf("got %q, want %q", list.got, list.want)
				}
			}
		})
	}
}

func TestConversationsAreMadeReady(t *testing.T) {
	for source, want := range map[string]string{
		`[{"role": "user", "content": "x", "name": null}]`:                             `[{"role": "user", "content": "x"}] null`,
		`{"messages": [{"role": "assistant", "reasoning": "r"}], "tools": [{"b": 1}]}`: `[{"thinking": "r", "role": "assistant", "reasoning": "r", "reasoning_content": "r"}] [{"b": 1}]`,
		"\ufeff" + `{"messages": [{"role": "a"}], "tools": []}`:                        `[{"role": "a"}] []`,
		`{"messages": [{"z": 1.0, "role": "a"}], "x": 2}`:                              `[{"z": 1.0, "role": "a"}] null`,
	} {
		variables, err := Conversation([]byte(source))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Render(t.Context(), "{{ messages | tojson }} {{ tools | tojson }}", variables); err != nil || got != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", source, err, got, want)
		}
	}
	for source, want := range map[string]string{
		"[\n{\"role\": \"user\"":                           "line 2: unexpected end",
		"[\n\n{'role': 3}]":                                "line 3: invalid character '\\''",
		"[{\"role\": \"\xff\"}]":                           "not UTF-8",
		"\xff\xfe[\x00]\x00":                               "not UTF-8",
		`{"messages": [{"role": "a"}], "tools": {"a": 1}}`: "its tools are not a list",
		`{"messages": [{"role": "a"}], "tools": [{}, 1]}`:  "tool 2 is not an object",
	} {
		if _, err := Conversation([]byte(source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", source, err, want)
		}
	}
	if _, err := Tools([]byte(`{"type": "function"}`)); err == nil {
		t.Error("one tool is taken for a list")
	}
	for _, source := range []string{"", "3", `{}`, `{"messages": 3}`, `[3]`, `[{"content": "x"}]`, `[{"role": null}]`, `[] []`, `{"messages": [`} {
		if v, err := Conversation([]byte(source)); err == nil {
			t.Errorf("%s gives %v", source, v)
		}
	}
}
