package tokenizer

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/shared"
)

// memFiles are the files of a checkpoint, by name.
type memFiles map[string][]byte

func (m memFiles) ReadFile(name string) ([]byte, error) {
	raw, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return raw, nil
}

// testCheckpoint is a case of internal/fixtures/tokenizer/kvs.py.
type testCheckpoint struct {
	name, folder, class string
	size                int
	names               map[string]string
}

var testCheckpoints = []testCheckpoint{
	{"stories", "", "LlamaForCausalLM", 1024, nil},
	{"llama2", "llama2", "LlamaForCausalLM", 32000, nil},
	{"llama2-json", "llama2", "LlamaForCausalLM", 32000, map[string]string{"tokenizer.model": ""}},
	{"llama2-padded", "llama2", "LlamaForCausalLM", 32064, nil},
	{"code-llama", "llama2", "LlamaForCausalLM", 32016, nil},
	{"gemma-spm", "llama2", "Gemma2ForCausalLM", 32000, map[string]string{"tokenizer.json": ""}},
	{"phi3", "llama2", "Phi3ForCausalLM", 32064, nil},
	{"llama3_1", "llama3_1", "LlamaForCausalLM", 128256, nil},
	{"qwen3", "qwen3", "Qwen3ForCausalLM", 151936, nil},
	{"deepseek_v3", "deepseek_v3", "DeepseekV3ForCausalLM", 129280, nil},
	{"gptoss", "gptoss", "GptOssForCausalLM", 201088, nil},
	{"minimind", "minimind", "LlamaForCausalLM", 6400, nil},
	{"gemma3", "gemma3", "Gemma3ForCausalLM", 262208, nil},
	{"mistral-v3", "mistral-common", "MistralForCausalLM", 32768,
		map[string]string{"tokenizer.model.v1": "", "mistral_instruct_tokenizer_240323.model.v3": "tokenizer.model"}},
}

func (c testCheckpoint) files(t testing.TB) memFiles {
	t.Helper()
	files := memFiles{}
	folder := "../../testdata/stories-llama"
	if c.folder != "" {
		folder = shared.Path(t, "data", "tokenizers", c.folder)
	}
	list, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		name := strings.TrimSuffix(e.Name(), ".gz")
		target, renamed := c.names[name]
		switch {
		case strings.HasSuffix(name, ".safetensors"):
			continue
		case !renamed:
			target = name
		case target == "":
			continue
		}
		if c.folder == "" {
			files[target] = []byte(readFile(t, folder+"/"+e.Name()))
		} else {
			files[target] = readMaybeGzip(t, "data", "tokenizers", c.folder, e.Name())
		}
	}
	if c.folder != "" {
		files["config.json"], _ = json.Marshal(map[string]any{"architectures": []string{c.class}, "vocab_size": c.size})
	}
	return files
}

// showValue writes a value as kvs.py does.
func showValue(value any) string {
	h, n := sha256.New(), 0
	switch v := value.(type) {
	case []string:
		n = len(v)
		for _, s := range v {
			fmt.Fprintf(h, "%s\n", s)
		}
	case []int32:
		n = len(v)
		for _, i := range v {
			fmt.Fprintf(h, "%d\n", i)
		}
	case []float32:
		n = len(v)
		for _, f := range v {
			fmt.Fprintf(h, "%.6g\n", f)
		}
	case string:
		if len(v) > 40 {
			return fmt.Sprintf("%x", sha256.Sum256([]byte(v)))
		}
		return v
	default:
		return fmt.Sprint(value)
	}
	return fmt.Sprintf("%d %x", n, h.Sum(nil))
}

// departures are the values in which mq knowingly differs from the reference
// converter, which knows pre-tokenizers by a hash and gives every token the
// same score where only tokenizer.json is left.
var departures = map[string]string{
	"stories\ttokenizer.ggml.pre":        "llama-bpe",
	"deepseek_v3\ttokenizer.ggml.pre":    "deepseek-v3",
	"minimind\ttokenizer.ggml.pre":       "gpt-2",
	"llama2-json\ttokenizer.ggml.scores": "",
}

func TestWritesTheReferencesKeyValues(t *testing.T) {
	want := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(readFile(t, "testdata/kvs.tsv")), "\n") {
		name, rest, _ := strings.Cut(line, "\t")
		if k, _, _ := strings.Cut(rest, "\t"); departures[name+"\t"+k] != "" {
			rest = k + "\t" + departures[name+"\t"+k]
		}
		want[name] = append(want[name], rest)
	}
	for _, c := range testCheckpoints {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			skipLarge(t, c.folder)
			// Gemma's rules do not fit Llama's vocabulary, which stands in for it.
			tok, err := FromCheckpoint(c.files(t), CheckpointOptions{Unchecked: c.name == "gemma-spm"})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, kv := range tok.GGUF() {
				line := kv.Key + "\t" + showValue(kv.Value)
				if value, ok := departures[c.name+"\t"+kv.Key]; ok && value == "" {
					line = want[c.name][i]
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(want[c.name], got); diff != "" {
				t.Error(diff)
			}
			if _, err := FromGGUF(tok.GGUF()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckpointEncodesAsItsLibrary(t *testing.T) {
	c := testCheckpoints[0]
	tok, err := FromCheckpoint(c.files(t), CheckpointOptions{})
	if err != nil {
		t.Fatal(err)
	}
	own := openStories(t)
	for _, text := range sample(t) {
		opts := Options{AddSpecial: true, ParseSpecial: true}
		if diff := cmp.Diff(own.Encode(text, opts), tok.Encode(text, opts)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestCheckpointOptionsChangeTheVocabulary(t *testing.T) {
	files := testCheckpoints[0].files(t)
	tok, err := FromCheckpoint(files, CheckpointOptions{VocabSize: 1030, Pre: "qwen2"})
	if err != nil {
		t.Fatal(err)
	}
	if text, _, kind := tok.Token(1029); tok.Size() != 1030 || text != "[PAD1029]" || kind != TypeUnused || tok.Pre() != "qwen2" {
		t.Errorf("got %d tokens, last %q of type %d, pre %q", tok.Size(), text, kind, tok.Pre())
	}
	if _, err := FromCheckpoint(files, CheckpointOptions{VocabSize: 1000}); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a vocabulary larger than vocab_size: %v", err)
	}
}

func TestRefusesACheckpointThatLlamaCppWouldReadOtherwise(t *testing.T) {
	files := testCheckpoints[0].files(t)
	var file map[string]any
	if err := json.Unmarshal(files["tokenizer.json"], &file); err != nil {
		t.Fatal(err)
	}
	file["pre_tokenizer"] = map[string]any{"type": "Sequence", "pretokenizers": []any{
		map[string]any{"type": "Split", "pattern": map[string]any{"Regex": `[aeiou]+`}, "behavior": "Isolated"},
		map[string]any{"type": "ByteLevel", "use_regex": false},
	}}
	files["tokenizer.json"], _ = json.Marshal(file)
	_, err := FromCheckpoint(files, CheckpointOptions{})
	if !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), "--pre NAME") {
		t.Errorf("got %v", err)
	}
	if _, err := FromCheckpoint(files, CheckpointOptions{Pre: "gpt-2"}); err != nil {
		t.Errorf("with a name given: %v", err)
	}
	// A known name with rules of its own beside it.
	delete(file, "pre_tokenizer")
	file["pre_tokenizer"] = map[string]any{"type": "ByteLevel"}
	file["normalizer"] = map[string]any{"type": "Lowercase"}
	files["tokenizer.json"], _ = json.Marshal(file)
	if _, err := FromCheckpoint(files, CheckpointOptions{}); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("a normalizer that GGUF has no word for: %v", err)
	}
}

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
		tok, err := FromCheckpoint(files, CheckpointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return tok.GGUF()
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
