package safetensors

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	nlpodyssey "github.com/nlpodyssey/safetensors"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/internal/oracle"
	"github.com/f190792d/mq/internal/shared"
)

// sample has one tensor of every type, of shape [2, 4, 2].
func sample() []Named {
	var tensors []Named
	for d := dtype.Invalid + 1; d.Bits() > 0; d++ {
		size, _ := d.Bytes(16)
		data := make([]byte, size)
		for j := range data {
			data[j] = byte(int(d)*31 + j)
		}
		tensors = append(tensors, Named{"t." + d.String(), d, []int64{2, 4, 2}, data})
	}
	return tensors
}

func written(t *testing.T, tensors []Named, metadata map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func checkContent(t *testing.T, file []byte, want []Named) {
	t.Helper()
	f, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tensors()) != len(want) {
		t.Fatalf("%d tensors, want %d", len(f.Tensors()), len(want))
	}
	for _, w := range want {
		got, ok := f.Lookup(w.Name)
		if !ok || got.DType != w.DType || !cmp.Equal(got.Shape, w.Shape, cmpopts.EquateEmpty()) {
			t.Fatalf("%s: %+v, %v", w.Name, got, ok)
		}
		data := make([]byte, got.Size)
		if _, err := f.ReadAt(t.Context(), data, got.Offset); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if !bytes.Equal(data, w.Data) {
			t.Errorf("%s: data differ", w.Name)
		}
	}
}

func TestWrittenFilesReadBack(t *testing.T) {
	metadata := map[string]string{"format": "pt", "quote": "\"\\\n<é\U0001F600"}
	all := sample()
	shared := []Named{}
	for _, w := range all {
		if _, err := nlpodyssey.ParseDType(w.DType.String()); err == nil {
			shared = append(shared, w)
		}
	}
	odd := []Named{{"", dtype.F32, nil, make([]byte, 4)}, {"empty \" name", dtype.F8E4M3, []int64{3, 0}, nil}}
	for name, tensors := range map[string][]Named{"every type": all, "shared types": shared, "none": nil, "odd": odd} {
		t.Run(name, func(t *testing.T) {
			file := written(t, tensors, metadata)
			checkContent(t, file, tensors)
			f, _ := read(file)
			if diff := cmp.Diff(metadata, f.Metadata()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAgreesWithNlpodyssey(t *testing.T) {
	var tensors []Named
	for _, w := range sample() {
		if _, err := nlpodyssey.ParseDType(w.DType.String()); err == nil {
			tensors = append(tensors, w)
		}
	}
	files := map[string][]byte{"written": written(t, tensors, map[string]string{"k": "v"})}
	for _, path := range []string{"../../testdata/stories-llama/model-00001-of-00002.safetensors", "../../testdata/stories-llama/model-00002-of-00002.safetensors"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = data
	}
	for name, file := range files {
		want, err := nlpodyssey.Deserialize(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Tensors()) != want.Len() {
			t.Fatalf("%s: %d tensors, want %d", name, len(got.Tensors()), want.Len())
		}
		for i, w := range want.Tensors() {
			g := got.Tensors()[i]
			if g.Name != w.Name || g.DType.String() != w.TensorView.DType().String() || len(g.Shape) != len(w.TensorView.Shape()) {
				t.Fatalf("%s: tensor %d is %+v, want %s", name, i, g, w.Name)
			}
			for j, n := range w.TensorView.Shape() {
				if g.Shape[j] != int64(n) {
					t.Errorf("%s: %s has shape %v, want %v", name, g.Name, g.Shape, w.TensorView.Shape())
				}
			}
			if !bytes.Equal(file[g.Offset:g.Offset+g.Size], w.TensorView.Data()) {
				t.Errorf("%s: %s: bytes differ", name, g.Name)
			}
		}
	}
}

func TestNlpodysseyRefusesWhatMqRefuses(t *testing.T) {
	// The rules that only mq holds: names twice pass silently through a Go map.
	own := map[string]bool{"DuplicateNames": true, "NameTwice": true, "DuplicateNamesThroughEscapes": true, "MetadataTwice": true,
		"MetadataKeyTwice": true, "FieldTwice": true, "HeaderNotStartingWithBrace": true, "ShapeOfTooManyDimensions": true,
		"ShapeProductWrapsToSize": true, "InvalidUTF8": true, "LoneSurrogate": true, "ReversedSurrogates": true, "RaggedLastByte": true}
	for _, c := range attacks {
		if own[c.rule] || len(c.file) > 1<<20 { // it recurses into deep values
			continue
		}
		if _, err := nlpodyssey.Deserialize(c.file); err == nil {
			t.Errorf("%s: nlpodyssey accepts it: say why here, or mend the case", c.rule)
		}
	}
}

func TestHeaderMayHoldWhiteSpaceAndAnyOrder(t *testing.T) {
	file := raw("{\"b\" : {\n\t\"data_offsets\":[ 4 , 8 ],\"shape\":[\r\n],\"dtype\":\"F\\u0033\\u0032\"} ,"+
		`"\ud83d\ude00\/":{"dtype":"U8","shape":[4,1],"data_offsets":[0,4]},"__metadata__":null}   `, 8)
	f, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	start := int64(len(file) - 8)
	want := []Tensor{{"😀/", dtype.U8, []int64{4, 1}, start, 4}, {"b", dtype.F32, []int64{}, start + 4, 4}}
	if diff := cmp.Diff(want, f.Tensors()); diff != "" {
		t.Error(diff)
	}
	if _, ok := f.Lookup("c"); ok {
		t.Error("found a tensor that is not there")
	}
}

func TestTensorsWithoutElementsShareAnOffset(t *testing.T) {
	f, err := read(raw(`{"z":{"dtype":"I8","shape":[0,3],"data_offsets":[4,4]},`+f32("b", 4, 8)+`,`+f32("a", 0, 4)+`}`, 8))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tensor := range f.Tensors() {
		names = append(names, tensor.Name)
	}
	if diff := cmp.Diff([]string{"a", "z", "b"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestWriterRefusesTensorsThatDoNotFit(t *testing.T) {
	for name, tensors := range map[string][]Named{
		"short data":     {{"a", dtype.F32, []int64{2}, make([]byte, 4)}},
		"negative shape": {{"a", dtype.F32, []int64{-1}, nil}},
		"twice":          {{"a", dtype.F32, []int64{0}, nil}, {"a", dtype.F32, []int64{0}, nil}},
		"invalid type":   {{"a", dtype.Invalid, nil, nil}},
		"reserved name":  {{"__metadata__", dtype.U8, []int64{0}, nil}},
	} {
		if err := Write(io.Discard, tensors, nil); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	twice := []Tensor{{Name: "a", DType: dtype.F32}, {Name: "a", DType: dtype.F32}}
	if _, _, err := Header(twice, nil); err == nil {
		t.Error("Header took a name twice")
	}
}

func TestGoldenFileOpens(t *testing.T) {
	f, err := Open(shared.Path(t, "golden", "blocks-512.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	input, ok := f.Lookup("input")
	if !ok || input.DType != dtype.F32 || !cmp.Equal(input.Shape, []int64{22, 512}) {
		t.Errorf("%+v, %v", input, ok)
	}
}

func FuzzNew(f *testing.F) {
	for _, c := range attacks {
		if len(c.file) < 4096 {
			f.Add(c.file)
		}
	}
	var buf bytes.Buffer
	if err := Write(&buf, sample(), map[string]string{"format": "pt"}); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		var opened *File
		var err error
		oracle.Watched(t, len(file), func() { opened, err = read(file) })
		if err != nil {
			return
		}
		// What opens can be read: the tensors tile the file up to its end.
		end := int64(-1)
		for _, tensor := range opened.Tensors() {
			if end >= 0 && tensor.Offset != end {
				t.Fatalf("%+v does not start at %d", tensor, end)
			}
			end = tensor.Offset + tensor.Size
			if got, ok := opened.Lookup(tensor.Name); !ok || got.Offset != tensor.Offset {
				t.Fatalf("%q is not found", tensor.Name)
			}
		}
		if end >= 0 && end != int64(len(file)) {
			t.Fatalf("tensors end at %d of %d", end, len(file))
		}
	})
}
