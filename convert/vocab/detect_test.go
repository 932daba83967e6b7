package vocab

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

func TestDetectsPreTokenizersByStructure(t *testing.T) {
	split := func(pattern string) string {
		quoted, _ := json.Marshal(pattern)
		return fmt.Sprintf(`{"type":"Split","pattern":{"Regex":%s},"behavior":"Isolated","invert":false}`, quoted)
	}
	sequence := func(steps ...string) string {
		return `"pre_tokenizer":{"type":"Sequence","pretokenizers":[` + strings.Join(append(steps, `{"type":"ByteLevel","use_regex":false}`), ",") + `]}`
	}
	tests := map[string]string{
		"gpt-2":       `"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}`,
		"starcoder":   `"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel"}]}`,
		"smaug-bpe":   sequence(split(pattern.Llama3)),
		"qwen2":       sequence(split(pattern.Qwen2)),
		"qwen35":      sequence(split(pattern.Qwen35)),
		"gpt-4o":      sequence(split(pattern.GPT4o)),
		"tekken":      sequence(split(pattern.Tekken)),
		"deepseek-v3": sequence(split(`\p{N}{1,3}`), split("[一-龥぀-ゟ゠-ヿ]+"), split(strings.ReplaceAll(pattern.DeepSeek, `\n`, "\n"))),
		"bailingmoe":  sequence(split(pattern.Bailing)),
		"exaone-moe":  sequence(split(pattern.ExaoneMoE)),
		"tiny_aya":    sequence(split(pattern.Thousands), split(pattern.GPT4o)),
	}
	for want, part := range tests {
		got, err := detectPre(toyFile(t, part))
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v", want, got, err)
		}
	}
	// Another way to write what gpt-2 does.
	got, err := detectPre(toyFile(t, sequence(split(`(?:'s|'t|'re|'ve|'m|'ll|'d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`))))
	if err != nil || got != "gpt-2" {
		t.Errorf("by behaviour: got %q, %v", got, err)
	}
	if _, err := detectPre(toyFile(t, sequence(split(`[aeiou]`)))); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("unknown way: %v", err)
	}
}

// toyFile is a tokenizer.json with a toy vocabulary and the part given.
func toyFile(t *testing.T, part string) *tokenizer.File {
	t.Helper()
	f, err := tokenizer.ParseJSON([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},` + part + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
