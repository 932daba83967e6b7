package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/cmd/mq/internal/cli"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/tiny"
	"github.com/f190792d/mq/quantize"
)

// run runs a command line and returns its exit code and what it says.
func run(args ...string) (code int, says string) {
	var out bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &out, &out)
	return code, out.String()
}

// checkpoint writes a random checkpoint and changes it.
func checkpoint(t *testing.T, class string, change func(*tiny.Files)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "m") // a part of the metadata
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := tiny.Write(dir, class, 1); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		if err := tiny.Edit(dir, change); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestNoTypeSwallowsANumberThatItCannotHold: a value that is not finite, or
// that a type cannot hold, is named by tensor, row and column before any type
// makes another number of it, whatever the flags.
func TestNoTypeSwallowsANumberThatItCannotHold(t *testing.T) {
	const name, file = "model.layers.1.mlp.down_proj.weight", "blk.1.ffn_down.weight"
	types := []string{"auto"}
	for _, r := range quantize.Recipes() {
		types = append(types, r.Name)
	}
	for _, x := range []float32{float32(math.NaN()), float32(math.Inf(-1)), 1e9, -3.4e38} {
		dir := checkpoint(t, "LlamaForCausalLM", func(f *tiny.Files) {
			w := f.Tensor(name)
			binary.LittleEndian.PutUint32(w.Data[4*(2*w.Shape[1]+5):], math.Float32bits(x))
		})
		refused := 0
		for _, typ := range brief.Of(types, 6) {
			for _, flag := range []string{"--no-verify", "--part=1/1"} {
				out := filepath.Join(t.TempDir(), "x.gguf")
				code, says := run("convert", dir, "-t", typ, flag, "-o", out, "-q")
				finite := x-x == 0
				switch {
				case strings.Contains(says, "requires importance weights"), strings.Contains(says, "Q1_0 block length"): // of 128 values
				case code == 0 && finite:
					if bad := notFinite(t, out); bad != "" {
						t.Errorf("%v, -t %s %s: %s", x, typ, flag, bad)
					}
				case code == 5:
					refused++
					if !strings.Contains(says, fmt.Sprintf("%q: row 2, column 5: ", file)) || finite && !strings.Contains(says, fmt.Sprintf("%g is out of the range of ", x)) {
						t.Errorf("%v, -t %s %s: %s", x, typ, flag, says)
					}
				default:
					t.Errorf("%v, -t %s %s: exit %d: %s", x, typ, flag, code, says)
				}
			}
		}
		if tried := len(brief.Of(types, 6)); refused < tried {
			t.Errorf("%v: only %d of %d runs have refused it", x, refused, 2*tried)
		}
	}
}

// notFinite says which tensor of a file, or of its only part, holds a value
// that is not finite.
func notFinite(t *testing.T, path string) string {
	t.Helper()
	matches, err := filepath.Glob(strings.TrimSuffix(path, ".gguf") + "*.gguf")
	if err != nil || len(matches) != 1 {
		t.Fatalf("%v, %v", matches, err)
	}
	f, err := gguf.Open(matches[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, info := range f.Tensors() {
		q, ok := quantize.ByID(info.Type)
		if !ok {
			continue
		}
		raw := make([]byte, info.Size())
		if _, err := f.ReadTensorAt(t.Context(), info, raw, 0); err != nil {
			t.Fatal(err)
		}
		x := make([]float32, info.Elements())
		columns, size := int(info.Shape[0]), int(info.RowBytes())
		for row := 0; row*columns < len(x); row++ {
			q.Dequantize(x[row*columns:][:columns], raw[row*size:][:size])
		}
		for i, v := range x {
			if v-v != 0 {
				return fmt.Sprintf("%s: value %d is %v", info.Name, i, v)
			}
		}
	}
	return ""
}

// contents converts a folder, with the check at the end, and returns the data
// of every tensor of the file.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "x.gguf")
	if code, says := run("convert", dir, "-t", "f32", "-o", out); code != 0 {
		t.Fatalf("exit %d: %s", code, says)
	}
	f, err := gguf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string][]byte{}
	for _, info := range f.Tensors() {
		all[info.Name] = make([]byte, info.Size())
		if _, err := f.ReadTensorAt(t.Context(), info, all[info.Name], 0); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
