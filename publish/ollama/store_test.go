package ollama

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/registrytest"
)

var llama = gguf.KVs{
	{Key: "general.architecture", Value: "llama"}, {Key: "general.file_type", Value: uint32(15)}, {Key: "llama.context_length", Value: uint32(4096)},
	{Key: "general.license", Value: "mit"}, {Key: "general.sampling.temp", Value: float32(0.6)}, {Key: "general.sampling.top_k", Value: int32(20)},
}

func described(t *testing.T, o Options, paths ...string) *Model {
	t.Helper()
	m, err := Describe(t.Context(), paths, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func created(t *testing.T, s Store, m *Model) Manifest {
	t.Helper()
	path, err := s.Create(t.Context(), Name{DefaultHost, "me", "small", "q4"}, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(s.Dir, "manifests", DefaultHost, "me", "small", "q4"); path != want {
		t.Errorf("the manifest is %s", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m2 Manifest
	if err := json.Unmarshal(data, &m2); err != nil {
		t.Fatal(err)
	}
	return m2
}

// TestBlobsHaveTheContentThatTheirNamesSay, and the manifest names all.
func TestBlobsHaveTheContentThatTheirNamesSay(t *testing.T) {
	s := Store{t.TempDir()}
	path := registrytest.WriteModel(t, "m.gguf", llama)
	o := Options{System: "Be kind.", Context: 2048, Licenses: []string{"one", "two"}, Template: "{{ .Prompt }}", FileType: func(uint64) string { return "Q4_K_M" }}
	projector := registrytest.WriteModel(t, "mmproj.gguf", gguf.KVs{{Key: "general.architecture", Value: "clip"}})
	adapter := registrytest.WriteModel(t, "lora.gguf", gguf.KVs{{Key: "general.architecture", Value: "llama"}, {Key: "general.type", Value: "adapter"}})
	manifest := created(t, s, described(t, o, path, projector, adapter))
	text := map[string][]string{}
	for _, l := range append(manifest.Layers, manifest.Config) {
		data, err := os.ReadFile(filepath.Join(s.Dir, "blobs", strings.Replace(l.Digest, ":", "-", 1)))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(data); "sha256:"+hex.EncodeToString(sum[:]) != l.Digest || int64(len(data)) != l.Size {
			t.Errorf("%s: %d bytes of another hash", l.MediaType, len(data))
		}
		text[l.MediaType] = append(text[l.MediaType], string(data))
	}
	for kind, want := range map[string][]string{
		"template": {"{{ .Prompt }}"}, "system": {"Be kind."}, "license": {"one", "two"}, "params": {`{"num_ctx":2048,"temperature":0.6,"top_k":20}` + "\n"},
	} {
		if got := text[layerType+kind]; !slices.Equal(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
	for _, kind := range []string{"model", "projector", "adapter"} {
		if len(text[layerType+kind]) != 1 {
			t.Errorf("%s: %d layers", kind, len(text[layerType+kind]))
		}
	}
	var c Config
	if err := json.Unmarshal([]byte(text[configType][0]), &c); err != nil {
		t.Fatal(err)
	}
	if c.Format != "gguf" || c.Family != "llama" || c.Parameters != "2K" || c.FileType != "Q4_K_M" || len(c.RootFS.DiffIDs) != len(manifest.Layers) {
		t.Errorf("%+v", c)
	}
	entries, err := os.ReadDir(filepath.Join(s.Dir, "blobs"))
	if err != nil || len(entries) != len(manifest.Layers)+1 {
		t.Errorf("%d blobs for %d layers: %v", len(entries), len(manifest.Layers), err)
	}
}

// TestFileIsLinkedAndABrokenBlobReplaced: the bytes of the file are there
// once, whatever lay under their name.
func TestFileIsLinkedAndABrokenBlobReplaced(t *testing.T) {
	s := Store{t.TempDir()}
	path := registrytest.WriteModel(t, "m.gguf", llama)
	m := described(t, Options{}, path)
	manifest := created(t, s, m)
	blob := filepath.Join(s.Dir, "blobs", strings.Replace(manifest.Layers[0].Digest, ":", "-", 1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same := func() bool {
		a, errA := os.Stat(path)
		b, errB := os.Stat(blob)
		return errA == nil && errB == nil && os.SameFile(a, b)
	}
	if !same() {
		t.Error("the file was copied on one file system")
	}
	for name, content := range map[string][]byte{"short": whole[:100], "of other bytes": bytes.Repeat([]byte{1}, len(whole))} {
		if err := errors.Join(os.Remove(blob), os.WriteFile(blob, content, 0o666)); err != nil {
			t.Fatal(err)
		}
		created(t, s, m)
		if got, err := os.ReadFile(blob); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("a blob that is %s was kept: %v", name, err)
		}
	}
	if err := errors.Join(os.Remove(blob), os.WriteFile(blob, whole, 0o666)); err != nil {
		t.Fatal(err)
	}
	if created(t, s, m); same() {
		t.Error("a whole blob was replaced")
	}
}

func TestFilesThatAreNoModelOfOllamaAreRefused(t *testing.T) {
	path := registrytest.WriteModel(t, "m.gguf", llama)
	projector := registrytest.WriteModel(t, "p.gguf", gguf.KVs{{Key: "general.architecture", Value: "clip"}})
	vocabulary := registrytest.WriteModel(t, "v.gguf", gguf.KVs{{Key: "general.architecture", Value: "llama"}, {Key: "general.type", Value: "imatrix"}})
	text := filepath.Join(t.TempDir(), "x.gguf")
	if err := os.WriteFile(text, []byte("hello"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		paths []string
		o     Options
		want  string
	}{
		"two models":      {paths: []string{path, path}, want: "2 files of a model"},
		"no model":        {paths: []string{projector}, want: "0 files of a model"},
		"another type":    {paths: []string{vocabulary}, want: "not a model"},
		"no GGUF":         {paths: []string{text}, want: "x.gguf"},
		"no file":         {paths: []string{path + "x"}, want: "no such file"},
		"a long context":  {paths: []string{path}, o: Options{Context: 5000}, want: "longer than the 4096"},
		"broken template": {paths: []string{path}, o: Options{Template: "{{ range }}"}, want: "template cannot be read"},
	} {
		if _, err := Describe(t.Context(), c.paths, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesReadAsOllamaReadsThem(t *testing.T) {
	for text, want := range map[string]Name{
		"llama3":                        {DefaultHost, DefaultNamespace, "llama3", DefaultTag},
		"llama3:8b-q4_K_M":              {DefaultHost, DefaultNamespace, "llama3", "8b-q4_K_M"},
		"me/llama3":                     {DefaultHost, "me", "llama3", DefaultTag},
		"host.example:5000/me/llama3:x": {"host.example:5000", "me", "llama3", "x"},
		"_a/_b.c:_d":                    {DefaultHost, "_a", "_b.c", "_d"},
	} {
		n, err := ParseName(text)
		if err != nil || n != want {
			t.Errorf("%s: %+v, %v", text, n, err)
		}
		if again, err := ParseName(n.String()); err != nil || again != n {
			t.Errorf("%s: its name %s reads as %+v", text, n, again)
		}
	}
	for _, text := range []string{
		"", ":", "a:", ":b", "/a", "a/", "a//b", "a/b/c/d", "../a", "a/../b", "a.b/c", "a b", "a:b:c", "-a", "a/-b", "a:.b", "é", "a\x00", `a\b`, strings.Repeat("a", 81),
	} {
		if n, err := ParseName(text); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%q: %+v, %v", text, n, err)
		}
	}
}

func TestParametersAreWrittenAsOllamaWritesThem(t *testing.T) {
	for n, want := range map[int64]string{7: "7", 1000: "1K", 2016: "2K", 999_949_000: "999.95M", 8_030_261_248: "8.0B", 8_000_000_000: "8B", 135_000_000: "135M"} {
		if got := human(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestModelfileNamesEverything(t *testing.T) {
	m := &Model{
		Files:    []File{{"a.gguf", kindModel}, {"p.gguf", kindProjector}, {"l.gguf", kindAdapter}},
		Template: "{{ .Prompt }}\n", System: "s", Licenses: []string{"mit"}, Config: Config{Renderer: "r", Parser: "p"},
		Params: map[string]any{"stop": []string{"<|a|>", "\n\\User:", `"b"`}, "num_ctx": int64(5)},
	}
	want := "FROM a.gguf\nFROM p.gguf\nADAPTER l.gguf\nTEMPLATE \"\"\"{{ .Prompt }}\n\"\"\"\nSYSTEM \"\"\"s\"\"\"\nPARAMETER num_ctx 5\n" +
		"PARAMETER stop \"<|a|>\"\nPARAMETER stop \"\n\\User:\"\nPARAMETER stop \"\"\"\"b\"\"\"\"\nRENDERER r\nPARSER p\nLICENSE \"\"\"mit\"\"\"\n"
	if got, err := m.Modelfile(); err != nil || got != want {
		t.Errorf("%s, %v\nwant\n%s", got, err, want)
	}
	for _, m := range []*Model{
		{System: "says \"\"\" \nmore"}, {Licenses: []string{"a\"\"\"\r\n"}}, {Params: map[string]any{"stop": []string{"\"\"\"\n"}}},
	} {
		if got, err := m.Modelfile(); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%s: %v, where Ollama would cut a text", got, err)
		}
	}
}
