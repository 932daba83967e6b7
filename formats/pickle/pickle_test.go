package pickle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/oracle"
)

// The .bin files are written by internal/fixtures/pickle/generate.py.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func list(file []byte) ([]Tensor, error) {
	return Tensors(bytes.NewReader(file), int64(len(file)), "x.bin")
}

func TestReadsWhatTorchSaved(t *testing.T) {
	type content struct {
		Name   string
		DType  dtype.DType
		Shape  []int64
		Values []float32
	}
	count := func(from, n int) []float32 {
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(from + i)
		}
		return values
	}
	linear := []content{{"weight", dtype.F32, []int64{1, 2}, count(0, 2)}, {"bias", dtype.F32, []int64{1}, []float32{0}}}
	for file, want := range map[string][]content{
		"state.bin": {
			{"f32", dtype.F32, []int64{2, 3}, count(0, 6)},
			{"f16", dtype.F16, []int64{3, 2}, count(0, 6)},
			{"bf16", dtype.BF16, []int64{2, 2}, count(0, 4)},
			{"i64", dtype.I64, []int64{2}, count(-1, 2)},
			{"bool", dtype.Bool, []int64{2}, []float32{1, 0}},
			{"u8", dtype.U8, []int64{3}, count(250, 3)},
			{"e4m3", dtype.F8E4M3, []int64{4}, count(0, 4)},
			{"scalar", dtype.F32, []int64{}, []float32{7}},
			{"empty", dtype.F32, []int64{0, 5}, []float32{}},
			{"rows.tail", dtype.F32, []int64{3, 4}, count(8, 12)},
			{"whole", dtype.F32, []int64{6, 4}, count(0, 24)},
			{"tied", dtype.F32, []int64{6, 4}, count(0, 24)},
			{"one.column", dtype.F32, []int64{4, 1}, count(0, 4)},
		},
		"protocol4.bin":  {{"a", dtype.F32, []int64{2, 2}, count(0, 4)}, {"b", dtype.BF16, []int64{2}, count(0, 2)}},
		"module.bin":     linear,
		"parameters.bin": linear,
	} {
		data := fixture(t, file)
		tensors, err := list(data)
		if err != nil {
			t.Fatal(err)
		}
		var got []content
		for _, tensor := range tensors {
			elements := int64(1)
			for _, n := range tensor.Shape {
				elements *= n
			}
			values := make([]float32, elements)
			if err := dtype.ToFloat32(values, data[tensor.Offset:tensor.Offset+tensor.Size], tensor.DType); err != nil {
				t.Fatal(err)
			}
			got = append(got, content{tensor.Name, tensor.DType, tensor.Shape, values})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestRefusesWhatIsNotTensors(t *testing.T) {
	for file, says := range map[string]string{
		"evil.bin":    "posix.system",
		"class.bin":   "torch.nn.modules.linear.Linear",
		"legacy.bin":  "before PyTorch 1.6",
		"list.bin":    "other than a dictionary",
		"nested.bin":  "not a named tensor",
		"strided.bin": `tensor "t" is a strided view`,
	} {
		_, err := list(fixture(t, file))
		if !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "pickle: x.bin: ") {
			t.Errorf("%s: %v, want %q", file, err, says)
		}
	}
}

type entry struct {
	name, data string
	method     uint16
}

// archived frames a pickle as torch.save does, with one storage of 16 bytes.
func archived(pickle string, more ...entry) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range append([]entry{{"m/data.pkl", pickle, zip.Store}, {"m/data/0", strings.Repeat("\x01", 16), zip.Store}}, more...) {
		header := &zip.FileHeader{Name: e.name, Method: e.method}
		if e.method == zip.Store {
			header.CRC32 = crc32.ChecksumIEEE([]byte(e.data))
			header.CompressedSize64, header.UncompressedSize64 = uint64(len(e.data)), uint64(len(e.data))
			f, err := w.CreateRaw(header)
			if err == nil {
				_, err = f.Write([]byte(e.data))
			}
			if err != nil {
				panic(err)
			}
			continue
		}
		f, err := w.CreateHeader(header)
		if err == nil {
			_, err = f.Write([]byte(e.data))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func str(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func num(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// one is a dictionary {"a": tensor} of a storage of count FloatStorage elements.
func one(key string, count, start int64, shape, stride string) string {
	return "\x80\x02}" + str("a") + "ctorch._utils\n_rebuild_tensor_v2\n((" + str("storage") + "ctorch\nFloatStorage\n" + str(key) +
		str("cpu") + num(count) + "tQ" + num(start) + shape + stride + "\x89)tRs."
}

func tuple1(n int64) string { return num(n) + "\x85" }

var attacks = []struct {
	rule, says string
	file       []byte
}{
	{"Empty", "not a PyTorch archive", nil},
	{"NotAnArchive", "not a PyTorch archive", bytes.Repeat([]byte("x"), 100)},
	{"NoPickle", "no data.pkl", bytes.ReplaceAll(archived("}."), []byte("data.pkl"), []byte("data.pkx"))},
	{"PickleTwice", "data.pkl twice", archived("}.", entry{"n/data.pkl", "}.", zip.Store})},
	{"EntryTwice", `"data/0" twice`, archived("}.", entry{"m/data/0", "", zip.Store})},
	{"WrongChecksum", "checksum", bytes.Replace(archived("}."+strings.Repeat("#", 40)), []byte("}.####"), []byte("}.###!"), 1)},
	{"PickleEndsEarly", "ends in the middle", archived("}")},
	{"StringEndsEarly", "longer than the file", archived("X\xff\xff\xff\x7f")},
	{"LongString", "out of range", archived("\x8d\xff\xff\xff\xff\xff\xff\xff\xff")},
	{"NumberTooLong", "64 bits", archived("\x8a\x09123456789.")},
	{"EmptyStack", "stack is empty", archived(".")},
	{"NoMark", "mark is missing", archived("t.")},
	{"UnknownMemo", "did not store", archived("h\x01.")},
	{"NameWithoutEnd", "no end", archived("ctorch")},
	{"AppendToNumber", "not a list", archived("K\x01K\x02a.")},
	{"SetItemOfNumber", "not a dictionary", archived("K\x01K\x02K\x03s.")},
	{"OddItems", "not a dictionary", archived("}(K\x03u.")},
	{"StateOfNumber", "not a dictionary", archived("K\x01}b.")},
	{"CallOfNumber", "cannot be called", archived("K\x01)R.")},
	{"NamesOfNumbers", "not a string", archived("K\x01K\x02\x93.")},
	{"PersistentNumber", "persistent id", archived("K\x01Q.")},
	{"TensorOfNothing", "too few arguments", archived("ctorch._utils\n_rebuild_tensor_v2\n)R.")},
	{"ParameterOfNothing", "no tensor", archived("ctorch._utils\n_rebuild_parameter\n)R.")},
	{"MissingStorage", `lacks "data/7"`, archived(one("7", 4, 0, tuple1(4), tuple1(1)))},
	{"StoragePathEscapes", "lacks", archived(one("../../etc/passwd", 4, 0, tuple1(4), tuple1(1)))},
	{"StorageLargerThanItsFile", "its storage of 5 F32", archived(one("0", 5, 0, tuple1(4), tuple1(1)))},
	{"ShapeBeyondStorage", "does not fit", archived(one("0", 4, 0, tuple1(5), tuple1(1)))},
	{"StartBeyondStorage", "does not fit", archived(one("0", 4, 1, tuple1(4), tuple1(1)))},
	{"StartOverflows", "does not fit", archived(one("0", 4, 1<<62, tuple1(1), tuple1(1)))},
	{"ShapeOverflows", "does not fit", archived(one("0", 4, 0, num(1<<40)+num(1<<40)+"\x86", num(1<<40)+num(1)+"\x86"))},
	{"NegativeStart", "arguments are wrong", archived(one("0", 4, -1, tuple1(4), tuple1(1)))},
	{"NegativeShape", "arguments are wrong", archived(one("0", 4, 0, tuple1(-4), tuple1(1)))},
	{"StrideOfAnotherRank", "arguments are wrong", archived(one("0", 4, 0, tuple1(4), ")"))},
	{"NegativeCount", "persistent id", archived(one("0", -1, 0, tuple1(4), tuple1(1)))},
	{"NamesTwice", "occurs twice", archived("}(" + strings.Repeat(strings.TrimSuffix(one("0", 4, 0, tuple1(4), tuple1(1))[3:], "s."), 2) + "u.")},
}

func TestRejects(t *testing.T) {
	for _, c := range attacks {
		t.Run(c.rule, func(t *testing.T) {
			_, err := list(c.file)
			if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

func TestRefusesOtherFeatures(t *testing.T) {
	for _, c := range []struct {
		rule, says string
		file       []byte
	}{
		{"global of eval", "builtins.eval", archived("cbuiltins\neval\n.")},
		{"stack global of eval", "builtins.eval", archived("\x80\x04\x8c\x08builtins\x8c\x04eval\x93.")},
		{"call of a storage class", "torch.FloatStorage", archived("ctorch\nFloatStorage\n)R.")},
		{"_load_from_bytes", "torch.storage._load_from_bytes", archived("ctorch.storage\n_load_from_bytes\n.")},
		{"dtype name in another module", "os.float32", archived("cos\nfloat32\n.")},
		{"new object", "opcode 0x81", archived("ctorch\nFloatStorage\n)\x81.")},
		{"instance", "opcode 0x69", archived("(ios\nsystem\n.")},
		{"extension", "opcode 0x82", archived("\x82\x01.")},
		{"compressed storage", "compressed", archived(one("1", 4, 0, tuple1(4), tuple1(1)), entry{"m/data/1", strings.Repeat("x", 99), zip.Deflate})},
		{"big-endian", "big-endian", archived("}.", entry{"m/byteorder", "big", zip.Store})},
		{"bare pickle", "bare pickle", []byte("\x80\x04}.")},
	} {
		_, err := list(c.file)
		if !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.rule, err, c.says)
		}
	}
}

func TestNamesAPointerOfGitLFS(t *testing.T) {
	_, err := list([]byte("version https://git-lfs.github.com/spec/v1\n"))
	if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "run git lfs pull") {
		t.Error(err)
	}
}

func TestEveryTruncationIsRejected(t *testing.T) {
	file := fixture(t, "state.bin")
	for n := range file {
		if _, err := list(file[:n]); err == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(file))
		}
	}
}

func TestMemoryStaysBoundedWhileRejecting(t *testing.T) {
	const bound = 64 << 20
	fill := func(unit string) string { return strings.Repeat(unit, maxPickle/len(unit)-16) }
	var names []entry
	for i := range 40_000 {
		names = append(names, entry{fmt.Sprintf("m/data/%0100d", i), "", zip.Store})
	}
	for rule, file := range map[string][]byte{
		"empty lists":      archived(fill("]0")),
		"nested lists":     archived("]" + fill("]a")),
		"dictionaries":     archived("}" + fill("K\x01}s")),
		"strings":          archived(fill("U\x000")),
		"high stack":       archived(fill("K\x01")),
		"memo":             archived("}" + fill("\x94")),
		"list of nothing":  archived("]" + fill("Na")),
		"many marks":       archived(fill("(")),
		"doubling by memo": archived("Nq\x010" + fill("h\x01h\x01\x86q\x010")),
		"long pickle":      archived(fill("N0") + "NNNNNNNN"),
		"long directory":   archived("}.", names...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := list(file)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", rule)
		}
		// Counts all that was allocated, garbage included.
		if used := after.TotalAlloc - before.TotalAlloc; used > maxPickle+bound {
			t.Errorf("%s: %d MB: %v", rule, used>>20, err)
		} else {
			t.Logf("%s: %d MB: %v", rule, used>>20, err)
		}
	}
}

func FuzzTensors(f *testing.F) {
	for _, name := range []string{"state.bin", "protocol4.bin", "module.bin", "evil.bin", "strided.bin"} {
		f.Add(fixture(f, name))
	}
	for _, c := range attacks {
		f.Add(c.file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var tensors []Tensor
		var err error
		oracle.Watched(t, len(file), func() { tensors, err = list(file) })
		if err != nil {
			return
		}
		for _, tensor := range tensors {
			if tensor.Offset < 0 || tensor.Size < 0 || tensor.Offset+tensor.Size > int64(len(file)) {
				t.Fatalf("%+v is not inside the %d bytes", tensor, len(file))
			}
		}
	})
}

// FuzzRun aims at the machine, past the archive's checksum.
func FuzzRun(f *testing.F) {
	f.Add([]byte(one("0", 4, 0, tuple1(4), tuple1(1))))
	f.Add([]byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94K\x01M\x01\x02J\xff\xff\xff\xffG12345678\x88\x89N)\x85\x86\x87t]e1u2."))
	f.Add([]byte("ccollections\nOrderedDict\n)R}b(]lds."))
	f.Fuzz(func(t *testing.T, code []byte) {
		file := archived(string(code))
		var err error
		oracle.Watched(t, len(file), func() { _, err = list(file) })
		if err != nil && !errors.Is(err, fault.ErrCorrupt) && !errors.Is(err, fault.ErrUnsupported) {
			t.Fatal(err)
		}
	})
}
