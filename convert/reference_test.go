package convert

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/quantize"
)

// digest is what internal/fixtures/convert records of a converted file.
type digest struct {
	KV      []kvLine
	Tensors []tensorLine
}

// kvLine is [key, type, value]; arrays longer than 16 are [length, sha256].
type kvLine [3]any

// tensorLine is [name, type, shape, sha256 of the bytes].
type tensorLine [4]any

// TestEqualsReferenceConverter converts the checkpoints of testdata/reference
// and compares key-values and tensors, order included, with what llama.cpp's
// converter wrote for them.
func TestEqualsReferenceConverter(t *testing.T) {
	files, err := filepath.Glob("testdata/reference/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no reference digests", err)
	}
	for _, file := range files {
		fixture := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(fixture, func(t *testing.T) {
			var want map[string]digest
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join("..", "testdata", fixture)
			if _, err := os.Stat(dir); err != nil {
				dir = unzip(t, strings.TrimSuffix(file, ".json")+".zip")
			}
			ckpt, err := hf.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			defer ckpt.Close()
			for name, want := range want {
				compare(t, ckpt, name, want, beyondReference[fixture])
			}
		})
	}
}

// beyondReference is like beyond, for these checkpoints.
var beyondReference = map[string]string{"mistral-native": "llama.context_length"} // llama.cpp refuses a file without it

func compare(t *testing.T, ckpt *hf.Checkpoint, typeName string, want digest, more string) {
	kind, ok := ParseFileType(typeName)
	if !ok {
		t.Fatalf("no file type %q", typeName)
	}
	p, err := NewPlan(t.Context(), ckpt, Options{Type: kind, Encoder: encoder, NoVocabulary: ckpt.Layout() == hf.MistralNative})
	if err != nil {
		t.Fatal(err)
	}
	var kvs []kvLine
	for _, kv := range p.KVs {
		if kv.Key != more {
			kvs = append(kvs, describe(kv))
		}
	}
	if len(want.KV) > 1 { // later types list what differs from the first alone
		if d := cmp.Diff(want.KV, kvs); d != "" {
			t.Errorf("%s: key-values (-reference +mq):\n%s", typeName, d)
		}
	} else if len(want.KV) == 1 && !containsLine(kvs, want.KV[0]) {
		t.Errorf("%s: key-values lack %v", typeName, want.KV[0])
	}
	if d := cmp.Diff(want.Tensors, digestTensors(t, p)); d != "" {
		t.Errorf("%s: tensors (-reference +mq):\n%s", typeName, d)
	}
}

func containsLine(lines []kvLine, want kvLine) bool {
	for _, line := range lines {
		if reflect.DeepEqual(line, want) {
			return true
		}
	}
	return false
}

// encoder lends the converter the block types of package quantize, as the
// command does.
func encoder(t gguf.Type) (transform.Encoder, bool) {
	q, ok := quantize.ByID(t)
	return q.Encode, ok
}

// digestTensors drains every stream, in pieces that do not divide its rows.
func digestTensors(t *testing.T, p *Plan) []tensorLine {
	var lines []tensorLine
	for _, s := range p.Streams {
		sum := sha256.New()
		drain(t, s, sum)
		shape := make([]any, len(s.Shape))
		for i, n := range s.Shape {
			shape[i] = float64(n)
		}
		lines = append(lines, tensorLine{s.Name, s.Type.String(), shape, hex.EncodeToString(sum.Sum(nil))[:32]})
	}
	return lines
}

func drain(t *testing.T, s gguf.Stream, w io.Writer) {
	t.Helper()
	const rows = 7
	buffer := make([]byte, rows*s.RowBytes())
	for first := int64(0); first < s.Rows(); first += rows {
		part := buffer[:min(rows, s.Rows()-first)*s.RowBytes()]
		if err := s.ReadRows(t.Context(), part, first); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		w.Write(part)
	}
}

// describe writes a key-value as the fixtures do.
func describe(kv gguf.KV) kvLine {
	v := reflect.ValueOf(kv.Value)
	if v.Kind() != reflect.Slice {
		return kvLine{kv.Key, v.Type().String(), render(v)}
	}
	items := make([]any, v.Len())
	sum := sha256.New()
	for i := range items {
		text := render(v.Index(i))
		items[i] = text
		sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text))))
		io.WriteString(sum, text)
	}
	if len(items) > 16 {
		items = []any{strconv.Itoa(len(items)), hex.EncodeToString(sum.Sum(nil))[:32]}
	}
	return kvLine{kv.Key, "array " + v.Type().Elem().String(), items}
}

func render(v reflect.Value) string {
	if v.CanFloat() {
		return strings.ToLower(fmt.Sprintf("%.9g", v.Float())) // Python's infinity is lower case
	}
	return fmt.Sprint(v.Interface())
}

// unzip unpacks a checkpoint and returns its folder.
func unzip(t *testing.T, file string) string {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	root := t.TempDir()
	if err := os.CopyFS(root, z); err != nil {
		t.Fatal(err)
	}
	folder, _, _ := strings.Cut(z.File[0].Name, "/")
	return filepath.Join(root, folder)
}
