package quantize

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"strings"
	"testing"
)

// golden is what ggml gives for rows of 512 values: per type the bytes, with
// and without weights, and the values read back from them.
type golden struct {
	rows    []string // names
	input   []float32
	weights []float32 // of the columns, shared by all rows
	tensors map[string][]byte
}

const goldenColumns = 512

func readGolden(t testing.TB) golden {
	t.Helper()
	packed, err := os.ReadFile("testdata/blocks-512.safetensors.gz")
	if err != nil {
		t.Fatal(err)
	}
	unpack, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(unpack)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(file)
	var header map[string]struct {
		Offsets [2]int `json:"data_offsets"`
		Rows    string
	}
	if err := json.Unmarshal(file[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	g := golden{tensors: map[string][]byte{}}
	for name, h := range header {
		g.tensors[name] = file[8+n:][h.Offsets[0]:h.Offsets[1]]
	}
	g.rows = strings.Split(header["__metadata__"].Rows, ",")
	g.input, g.weights = floats(g.tensors["input"]), floats(g.tensors["imatrix"])
	return g
}

func floats(b []byte) []float32 {
	f := make([]float32, len(b)/4)
	for i := range f {
		f[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return f
}

// forEachGolden runs f on every type and row that ggml was asked for, with
// and without weights.
func forEachGolden(t *testing.T, f func(t *testing.T, typ Type, x, weights []float32, want []byte, values []float32)) {
	g := readGolden(t)
	for _, typ := range types {
		for _, weighted := range []bool{false, true} {
			name, weights := typ.Name, []float32(nil)
			if weighted {
				name, weights = name+".imatrix", g.weights
			}
			want, ok := g.tensors[name]
			if !ok {
				if typ.Block > 1 && (weighted || !typ.NeedsWeights) {
					t.Errorf("no golden rows of %s", name)
				}
				continue
			}
			values := floats(g.tensors[name+".dequant"])
			size := goldenColumns / typ.Block * typ.Bytes
			for r, row := range g.rows {
				t.Run(name+"/"+row, func(t *testing.T) {
					at := r * goldenColumns
					f(t, typ, g.input[at:at+goldenColumns], weights, want[r*size:][:size], values[at:at+goldenColumns])
				})
			}
		}
	}
}

func TestQuantizedBytesEqualGgml(t *testing.T) {
	forEachGolden(t, func(t *testing.T, typ Type, x, weights []float32, want []byte, _ []float32) {
		got := bytes.Repeat([]byte{0xa5}, len(want))
		typ.Quantize(got, x, weights)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("byte %d of block %d is %#02x, ggml has %#02x", i%typ.Bytes, i/typ.Bytes, got[i], want[i])
			}
		}
	})
}

func TestDequantizedValuesEqualGgml(t *testing.T) {
	forEachGolden(t, func(t *testing.T, typ Type, _, _ []float32, bytes []byte, want []float32) {
		got := make([]float32, len(want))
		typ.Dequantize(got, bytes)
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("value %d is %v, ggml has %v", i, got[i], want[i])
			}
		}
	})
}
