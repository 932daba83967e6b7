package quantize

import (
	"bytes"
	"encoding/binary"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
)

// facts is what ggml says of a type.
type facts struct {
	name         string
	block, bytes int
	activation   gguf.Type
	needsWeights bool
}

func readFacts(t *testing.T) map[gguf.Type]facts {
	t.Helper()
	data, err := os.ReadFile("testdata/types.tsv")
	if err != nil {
		t.Fatal(err)
	}
	all := map[gguf.Type]facts{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		var n [6]int
		for i, f := range fields {
			if i == 1 {
				continue
			}
			if n[i], err = strconv.Atoi(f); err != nil {
				t.Fatal(err)
			}
		}
		all[gguf.Type(n[0])] = facts{fields[1], n[2], n[3], gguf.Type(n[4]), n[5] == 1}
	}
	return all
}

// columns holds the rules of every column of the table, which each row is held
// to. Bytes and values are held to ggml's by the golden tests, errors by the
// test of the round trip.
var columns = map[string]func(t *testing.T, typ Type, ggml facts){
	"ID": func(t *testing.T, typ Type, _ facts) {
		if found, ok := ByID(typ.ID); !ok || found.Name != typ.Name {
			t.Errorf("the id finds %q", found.Name)
		}
	},
	"Name": func(t *testing.T, typ Type, ggml facts) {
		for _, name := range []string{ggml.name, strings.ToLower(ggml.name)} {
			if found, ok := ByName(name); !ok || found.ID != typ.ID {
				t.Errorf("%s finds %q", name, found.Name)
			}
		}
	},
	"Block": func(t *testing.T, typ Type, ggml facts) {
		if typ.Block != ggml.block {
			t.Errorf("a block has %d values, in ggml %d", typ.Block, ggml.block)
		}
	},
	"Bytes": func(t *testing.T, typ Type, ggml facts) {
		size, ok := typ.ID.RowBytes(3 * int64(typ.Block))
		if typ.Bytes != ggml.bytes || !ok || size != 3*int64(typ.Bytes) {
			t.Errorf("a block has %d bytes, in ggml %d; three in the file format %d", typ.Bytes, ggml.bytes, size)
		}
	},
	"Quantize":   quantizeFillsItsBytes,
	"Dequantize": dequantizeFillsItsValues,
	"Fallback":   fallbackFits,
	"Activation": func(t *testing.T, typ Type, ggml facts) {
		if typ.Activation != ggml.activation {
			t.Errorf("activations are rounded to %s, in ggml to %s", typ.Activation, ggml.activation)
		}
		if block := typ.Activation.BlockLen(); typ.Block%block != 0 {
			t.Errorf("%d activations are rounded together, a block has %d weights", block, typ.Block)
		}
	},
	"NeedsWeights": func(t *testing.T, typ Type, ggml facts) {
		if typ.NeedsWeights != ggml.needsWeights {
			t.Errorf("requires weights: %v, in ggml %v", typ.NeedsWeights, ggml.needsWeights)
		}
	},
	"WantsWeights": func(t *testing.T, typ Type, _ facts) {
		if want := typ.Slow && typ.ID.BitsPerWeight() < 3.1; typ.WantsWeights != want || typ.NeedsWeights && !want {
			t.Errorf("wants weights: %v, but it is the codebooks of up to three bits that do", typ.WantsWeights)
		}
	},
	"Slow": func(t *testing.T, typ Type, _ facts) {
		if want := strings.HasPrefix(typ.Name, "IQ") && typ.ID.BitsPerWeight() < 4; typ.Slow != want {
			t.Errorf("searches a codebook: %v, want %v", typ.Slow, want)
		}
	},
	"Candidate": func(t *testing.T, typ Type, _ facts) {
		p := &planner{Options: Options{Importance: &Importance{}}}
		c := &Choice{Info: tensorOf("blk.0.ffn_up.weight", typ.ID, int64(typ.Block)), From: gguf.TypeF32, weights: &weights{}}
		if err := p.check(c); typ.Candidate && err != nil {
			t.Errorf("it is chosen, but cannot be written: %v", err)
		}
	},
	"Grid":   gridSaysWhatIsRead,
	"scales": scalesAreWhatScales,
}

func TestEveryColumnOfEveryTypeHolds(t *testing.T) {
	fields := reflect.TypeFor[Type]()
	for i := range fields.NumField() {
		if columns[fields.Field(i).Name] == nil {
			t.Errorf("no rule for column %s", fields.Field(i).Name)
		}
	}
	ggml := readFacts(t)
	for _, typ := range types {
		for name, rule := range columns {
			t.Run(typ.Name+"/"+name, func(t *testing.T) { rule(t, typ, ggml[typ.ID]) })
		}
	}
}

// quantizeFillsItsBytes: every byte of a row is written and none after it,
// without an allocation.
func quantizeFillsItsBytes(t *testing.T, typ Type, _ facts) {
	columns := 3 * typ.Block
	x, weights := makeRow(0, columns, 0), makeWeights(columns, 0)
	size, guard := 3*typ.Bytes, 16
	var filled [2][]byte
	for i, fill := range []byte{0x5a, 0xa5} {
		filled[i] = bytes.Repeat([]byte{fill}, size+guard)
		typ.Quantize(filled[i][:size:size], x, weights)
		if !bytes.Equal(filled[i][size:], bytes.Repeat([]byte{fill}, guard)) {
			t.Error("bytes after the row are written")
		}
	}
	if !bytes.Equal(filled[0][:size], filled[1][:size]) {
		t.Error("bytes of the row are left unwritten")
	}
	dst := filled[0][:size]
	// under the race detector pools forget one in four: enough runs for less than one each
	if n := testing.AllocsPerRun(50, func() { typ.Quantize(dst, x, weights) }); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}

// dequantizeFillsItsValues: every value of a row is written and none after it,
// without an allocation.
func dequantizeFillsItsValues(t *testing.T, typ Type, _ facts) {
	columns := 3 * typ.Block
	src := make([]byte, 3*typ.Bytes)
	typ.Quantize(src, makeRow(0, columns, 0), makeWeights(columns, 0))
	var filled [2][]float32
	for i, fill := range []float32{1e30, -1e30} {
		filled[i] = slices.Repeat([]float32{fill}, columns+4)
		typ.Dequantize(filled[i][:columns:columns], src)
		if !slices.Equal(filled[i][columns:], slices.Repeat([]float32{fill}, 4)) {
			t.Error("values after the row are written")
		}
	}
	if !slices.Equal(filled[0][:columns], filled[1][:columns]) {
		t.Error("values of the row are left unwritten")
	}
	dst := filled[0][:columns]
	if n := testing.AllocsPerRun(5, func() { typ.Dequantize(dst, src) }); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}

// fallbackFits: a fallback has shorter blocks that divide those of the type,
// no fewer bits, and can be written without weights.
func fallbackFits(t *testing.T, typ Type, _ facts) {
	if typ.Fallback == gguf.TypeF32 {
		refused := typ.Name == "Q1_0" || typ.Name == "NVFP4"
		if typ.Block > 1 != refused {
			t.Errorf("rows that are not a multiple of %d values are refused: %v, want %v", typ.Block, typ.Block > 1, refused)
		}
		return
	}
	to, ok := ByID(typ.Fallback)
	switch {
	case !ok:
		t.Fatalf("%s is not in the table", typ.Fallback)
	case to.Block >= typ.Block || typ.Block%to.Block != 0:
		t.Errorf("a block of %s has %d values, one of %s %d", typ.Name, typ.Block, to.Name, to.Block)
	case to.ID.BitsPerWeight() < typ.ID.BitsPerWeight():
		t.Errorf("%s has %v bits, %s only %v", typ.Name, typ.ID.BitsPerWeight(), to.Name, to.ID.BitsPerWeight())
	case to.NeedsWeights || to.WantsWeights:
		t.Errorf("%s does not do without weights", to.Name)
	}
	if got, ok := fitting(typ.ID, int64(typ.Block+to.Block)); !ok || got != to.ID {
		t.Errorf("a row of %d values becomes %s, want %s", typ.Block+to.Block, got, to.Name)
	}
}

// scalesAreWhatScales: a NaN in one of the halves named, and in no other two
// bytes of a block, makes a value NaN.
func scalesAreWhatScales(t *testing.T, typ Type, _ facts) {
	if typ.Block == 1 {
		if len(typ.scales) > 0 {
			t.Error("a plain type has scales")
		}
		return
	}
	for at := range typ.Bytes - 1 {
		block, values := make([]byte, typ.Bytes), make([]float32, typ.Block)
		binary.LittleEndian.PutUint16(block[at:], 0x7e00)
		typ.Dequantize(values, block)
		spoiled := slices.ContainsFunc(values, func(v float32) bool { return v != v })
		if named := slices.Contains(typ.scales, at); spoiled != named {
			t.Errorf("a scale at byte %d: %v, in the table %v", at, spoiled, named)
		}
	}
}

func TestTheTableCannotBeChangedFromOutside(t *testing.T) {
	all := Types()
	for i := range all {
		scales := all[i].Scales()
		for j := range scales {
			scales[j] = -1
		}
		all[i] = Type{}
	}
	for _, typ := range Types() {
		if typ.Name == "" || slices.Contains(typ.Scales(), -1) {
			t.Fatalf("a row is changed: %q", typ.Name)
		}
	}
}
