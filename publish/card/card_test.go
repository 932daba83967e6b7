package card

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// write makes a GGUF file of one tensor and returns its path and size.
func write(t *testing.T, dir, name string, typ gguf.Type, kvs gguf.KVs) (string, int) {
	t.Helper()
	info := gguf.TensorInfo{Name: "a", Type: typ, Shape: []int64{256, 8}}
	plan, err := gguf.NewPlan(kvs, []gguf.TensorInfo{info})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, plan)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, info.Size())); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path, b.Len()
}

var model = gguf.KVs{
	{Key: "general.architecture", Value: "llama"}, {Key: "general.name", Value: "Model | 8B"}, {Key: "general.file_type", Value: uint32(7)},
	{Key: "general.license", Value: "other"}, {Key: "general.license.name", Value: "house-license"}, {Key: "general.license.link", Value: "https://x.example/l"},
	{Key: "general.tags", Value: []string{"chat", "safetensors", "translation"}}, {Key: "general.languages", Value: []string{"no", "en"}},
	{Key: "general.dataset.count", Value: uint32(2)}, {Key: "general.dataset.0.repo_url", Value: "https://huggingface.co/datasets/org/text"},
	{Key: "general.dataset.1.repo_url", Value: "https://elsewhere.example/a/b"},
	{Key: "general.source.repo_url", Value: "https://huggingface.co/org/Model-8B"},
}

var names = func(n uint64) string { return map[uint64]string{7: "Q8_0", 15: "Q4_K_M", 1: "F16"}[n] }

func rendered(t *testing.T, o Options, paths ...string) (string, *Card) {
	t.Helper()
	o.FileType = names
	c, err := Describe(paths, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Markdown()
	if err != nil {
		t.Fatal(err)
	}
	return text, c
}

func TestFrontMatterIsWhatTheHubReads(t *testing.T) {
	dir := t.TempDir()
	matrix := append(model.Clone(), gguf.KV{Key: "quantize.imatrix.file", Value: "m"})
	path, _ := write(t, dir, "Model-8B-Q8_0.gguf", gguf.TypeQ8_0, matrix)
	text, _ := rendered(t, Options{Repo: "me/Model-8B-GGUF"}, path)
	front, err := hf.ParseCard([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"base_model": "[org/Model-8B]", "base_model_relation": "quantized", "quantized_by": "me", "license": "other", "license_name": "house-license",
		"license_link": "https://x.example/l", "language": "[no en]", "datasets": "[org/text]", "pipeline_tag": "translation", "library_name": "gguf",
		"tags": "[gguf chat imatrix]",
	} {
		if got := strings.TrimSpace(fmt.Sprint(front[key])); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	for _, want := range []string{
		`# Model \| 8B, GGUF`, "[org/Model-8B](https://huggingface.co/org/Model-8B)", "| Model-8B-Q8_0.gguf | Q8_0 | ", " | 8.50 |\n", "With an importance matrix: Model-8B-Q8_0.gguf.",
		"llama-cli -hf me/Model-8B-GGUF:Q8_0\n", "ollama run hf.co/me/Model-8B-GGUF:Q8_0\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	text, _ = rendered(t, Options{BaseModel: "a/b", QuantizedBy: "them", License: "mit"}, path)
	if front, err = hf.ParseCard([]byte(text)); err != nil || fmt.Sprint(front["base_model"]) != "[a/b]" || front["quantized_by"] != "them" || front["license"] != "mit" || front["license_name"] != nil {
		t.Errorf("%v, %v", front, err)
	}
	if !strings.Contains(text, "llama-cli -m Model-8B-Q8_0.gguf\n") || !strings.Contains(text, "mq ollama create model-8b-q8_0 Model-8B-Q8_0.gguf\n") {
		t.Errorf("commands for files that lie here:\n%s", text)
	}
}

// TestFiguresComeFromReportsOnTheFileItself: by name and size; of several the
// one that compared most.
func TestFiguresComeFromReportsOnTheFileItself(t *testing.T) {
	dir := t.TempDir()
	path, size := write(t, dir, "m-Q8_0.gguf", gguf.TypeQ8_0, model)
	projector, _ := write(t, dir, "mmproj-m-F16.gguf", gguf.TypeF16, gguf.KVs{{Key: "general.architecture", Value: "clip"}, {Key: "general.file_type", Value: uint32(1)}})
	for name, c := range map[string]struct{ report, want, warning string }{
		"validation":   {`{"schema":1,"file":"x/m-Q8_0.gguf","bytes":SIZE,"logits":{"top1":0.5,"mean_kld":0.25,"tokens":10}}`, "0.25000 | 50.00 %", ""},
		"evaluation":   {`{"schema":1,"file":"m-Q8_0.gguf","kld":{"mean":0.125},"top1":0.75,"tokens":900}`, "0.12500 | 75.00 %", ""},
		"conversion":   {"{\"type\":\"plan\",\"path\":\"m-Q8_0.gguf\"}\n{\"type\":\"verify\",\"path\":\"m-Q8_0.gguf\",\"top1\":1,\"tokens\":3,\"kld\":{\"mean\":0.5}}", "0.50000 | 100.00 %", ""},
		"provenance":   {`{"outputs":[{"name":"m-Q8_0.gguf","size":SIZE}],"verification":{"top1":0.5,"tokens":3,"kld":{"mean":2}}}`, "2.00000 | 50.00 %", ""},
		"batch":        {`{"results":[{"path":"/a/m-Q8_0.gguf","bytes":SIZE,"verify":{"top1":0.5,"tokens":3,"kld":{"mean":3}}},{"path":"b"}]}`, "3.00000 | 50.00 %", ""},
		"another file": {`{"file":"n-Q8_0.gguf","kld":{"mean":0.125},"top1":0.75,"tokens":900}`, "", ""},
		"another size": {`{"file":"m-Q8_0.gguf","bytes":5,"logits":{"top1":0.5,"mean_kld":0.25,"tokens":10}}`, "", "of 5 bytes"},
		"no report":    {`{"file": 5, "results": "x"}`, "", ""},
		"no JSON":      {`hello`, "", ""},
		"no figures":   {`{"file":"m-Q8_0.gguf","bytes":SIZE,"logits":null}`, "", ""},
	} {
		report := filepath.Join(dir, "report.json")
		if err := os.WriteFile(report, []byte(strings.ReplaceAll(c.report, "SIZE", fmt.Sprint(size))), 0o666); err != nil {
			t.Fatal(err)
		}
		text, card := rendered(t, Options{}, projector, path)
		if c.want == "" && strings.Contains(text, "KL divergence") || !strings.Contains(text, c.want) || !strings.Contains(fmt.Sprint(card.Warnings), c.warning) || (len(card.Warnings) > 0) != (c.warning != "") {
			t.Errorf("%s: %q\n%s", name, card.Warnings, text)
		}
		if card.Files[0].Name != "m-Q8_0.gguf" || !strings.Contains(text, "| projector F16 |") {
			t.Errorf("%s:\n%s", name, text)
		}
		if !strings.Contains(text, "llama-mtmd-cli -m m-Q8_0.gguf -mm mmproj-m-F16.gguf") {
			t.Errorf("%s: no command with the projector:\n%s", name, text)
		}
	}
	few := `{"file":"m-Q8_0.gguf","kld":{"mean":9},"top1":0.1,"tokens":9}{"file":"m-Q8_0.gguf","kld":{"mean":1},"top1":0.2,"tokens":90}{"file":"m-Q8_0.gguf","kld":{"mean":8},"top1":0.3,"tokens":10}`
	if err := os.WriteFile(filepath.Join(dir, "report.json"), []byte(few), 0o666); err != nil {
		t.Fatal(err)
	}
	if text, _ := rendered(t, Options{}, path); !strings.Contains(text, "| 1.00000 | 20.00 % |") || !strings.Contains(text, "over 90 tokens") {
		t.Error(text)
	}
}

// TestNamesAreNoMarkup: what a file says of itself stays text, and a file's
// name one word of a command.
func TestNamesAreNoMarkup(t *testing.T) {
	dir := t.TempDir()
	hostile := gguf.KVs{
		{Key: "general.architecture", Value: "llama"}, {Key: "general.name", Value: "a\n---\n<script>[x](y)"}, {Key: "general.license", Value: "mit\n---\n# x"},
	}
	path, _ := write(t, dir, "a b';c.gguf", gguf.TypeF16, hostile)
	text, _ := rendered(t, Options{}, path)
	front, err := hf.ParseCard([]byte(text))
	if err != nil || front["license"] != "mit\n---\n# x" || front["library_name"] != "gguf" {
		t.Errorf("%v, %v", front, err)
	}
	if strings.Contains(text, "<script>") || !strings.Contains(text, `llama-cli -m 'a b'\'';c.gguf'`) {
		t.Error(text)
	}
}
