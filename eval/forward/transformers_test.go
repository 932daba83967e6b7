package forward

import (
	"archive/zip"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/safetensors"
)

// prompt is what transformers computes for one prompt.
type prompt struct {
	IDs       []int32     `json:"ids"`
	Top       []int       `json:"top"`
	Positions []int       `json:"positions"`
	Logits    [][]float64 `json:"logits"`
}

// unpack extracts a zipped checkpoint folder and returns its path.
func unpack(t testing.TB, archive string) string {
	t.Helper()
	r, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	root := ""
	base := t.TempDir()
	for _, f := range r.File {
		path := filepath.Join(base, filepath.FromSlash(f.Name))
		if filepath.Base(path) == "config.json" {
			root = filepath.Dir(path)
		}
		if f.FileInfo().IsDir() {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// amplify multiplies all matrices of a checkpoint by 8, as the generator of
// the logits did: untrained weights give flat attention.
func amplify(t testing.TB, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no weights in %s: %v", dir, err)
	}
	for _, path := range files {
		f, err := safetensors.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		tensors := f.Tensors()
		f.Close()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range tensors {
			if len(x.Shape) > 1 {
				scale8(t, data[x.Offset:x.Offset+x.Size], x.DType)
			}
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func scale8(t testing.TB, raw []byte, d dtype.DType) {
	le := binary.LittleEndian
	switch d {
	case dtype.F32:
		for i := 0; i < len(raw); i += 4 {
			le.PutUint32(raw[i:], math.Float32bits(8*math.Float32frombits(le.Uint32(raw[i:]))))
		}
	case dtype.BF16:
		for i := 0; i < len(raw); i += 2 {
			le.PutUint16(raw[i:], dtype.F32ToBF16(8*dtype.BF16ToF32(le.Uint16(raw[i:]))))
		}
	case dtype.F16:
		for i := 0; i < len(raw); i += 2 {
			le.PutUint16(raw[i:], dtype.F32ToF16(8*dtype.F16ToF32(le.Uint16(raw[i:]))))
		}
	default:
		t.Fatalf("weights of type %s", d)
	}
}

func readPrompts(t testing.TB, path string) []prompt {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var prompts []prompt
	if err := json.NewDecoder(z).Decode(&prompts); err != nil {
		t.Fatal(err)
	}
	return prompts
}

// checkPrompts compares a model with transformers: logits within tolerance of
// their range, and the same most likely token wherever it leads by more.
func checkPrompts(t *testing.T, m *Model, prompts []prompt) {
	t.Helper()
	const tolerance = 1e-4
	vocab := m.Vocabulary()
	for _, p := range prompts {
		got := logits(t, m, p.IDs)
		low, high := math.Inf(1), math.Inf(-1)
		worst, where := 0.0, 0
		for i, position := range p.Positions {
			for j, want := range p.Logits[i] {
				low, high = min(low, want), max(high, want)
				if diff := math.Abs(float64(got[position*vocab+j]) - want); !(diff <= worst) {
					worst, where = diff, position
				}
			}
		}
		if !(worst <= tolerance*(high-low)) {
			t.Errorf("prompt of %d: logits differ by %.2g of their range at position %d", len(p.IDs), worst/(high-low), where)
		}
		for i, want := range p.Top {
			row := got[i*vocab : (i+1)*vocab]
			best := 0
			for j, v := range row {
				if v > row[best] {
					best = j
				}
			}
			if best != want && float64(row[best]-row[want]) > tolerance*(high-low) {
				t.Errorf("prompt of %d: position %d prefers token %d, not %d", len(p.IDs), i, best, want)
				break
			}
		}
	}
}

const references = "../../convert/testdata/reference"

func TestCheckpointsEqualTransformers(t *testing.T) {
	files, err := filepath.Glob("testdata/transformers/*.json.gz")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files of logits, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		t.Run(name, func(t *testing.T) {
			dir := unpack(t, filepath.Join(references, name+".zip"))
			amplify(t, dir)
			checkPrompts(t, open(t, dir), readPrompts(t, file))
		})
	}
}
