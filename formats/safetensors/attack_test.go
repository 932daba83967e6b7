package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

// raw frames a header and data as a file.
func raw(header string, data int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), make([]byte, data)...)
}

func read(file []byte) (*File, error) {
	return New(bytes.NewReader(file), int64(len(file)), "x.safetensors")
}

func f32(name string, from, to int) string {
	return fmt.Sprintf(`"%s":{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}`, name, (to-from)/4, from, to)
}

// field is a one-tensor file with its fields replaced.
func field(dtype, shape, offsets string) []byte {
	return raw(fmt.Sprintf(`{"a":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets), 4)
}

func length(n uint64) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, n), "{}      "...)
}

// attacks holds one forged or damaged file per rule, and a part of the
// sentence that refuses it.
var attacks = []struct {
	rule, says string
	file       []byte
}{
	{"EmptyFile", "too short", nil},
	{"FileShorterThanLength", "too short", []byte{1, 0, 0}},
	{"HeaderLongerThanFile", "truncated", length(9)},
	{"HeaderAboveLimit", "limit of 100000000", length(MaxHeader + 1)},
	{"HeaderLengthNegative", "limit", length(1 << 63)},
	{"HeaderLengthOverflows", "limit", length(1<<64 - 1)},
	{"EmptyHeader", "start with {", length(0)},
	{"HeaderNotStartingWithBrace", "start with {", raw(` {}`, 0)},
	{"HeaderIsAList", "start with {", raw(`[]`, 0)},
	{"LFSPointer", "git lfs pull", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")},
	{"InvalidUTF8", "UTF-8", raw("{\"\xff\":1}", 0)},
	{"TruncatedJSON", "expected", raw(`{"a"`, 0)},
	{"UnterminatedString", "string without an end", raw(`{"a`, 0)},
	{"UnterminatedEscape", "string without an end", raw(`{"a\`, 0)},
	{"ControlCharacterInName", "control character", raw("{\"a\nb\":{}}", 0)},
	{"ControlCharacterAfterEscape", "control character", raw("{\"a\\t\tb\":{}}", 0)},
	{"UnknownEscape", "invalid escape", raw(`{"\x41":{}}`, 0)},
	{"LoneSurrogate", "invalid escape", raw(`{"\ud800":{}}`, 0)},
	{"ReversedSurrogates", "invalid escape", raw(`{"\udc00\ud800":{}}`, 0)},
	{"BadHexDigits", "invalid escape", raw(`{"\u12g4":{}}`, 0)},
	{"TrailingBytesInHeader", "after the closing brace", raw(`{}{}`, 0)},
	{"TrailingNulInHeader", "after the closing brace", raw("{}\x00", 0)},
	{"TrailingComma", "expected a string", raw(`{`+f32("a", 0, 4)+`,}`, 4)},
	{"MissingColon", "colon", raw(`{"a" 1}`, 0)},
	{"EntryIsNotAnObject", "expected an object", raw(`{"a":["F32",[1],[0,4]]}`, 4)},
	{"EntryIsNull", "expected an object", raw(`{"a":null}`, 0)},
	{"DeepNesting", "expected an object", raw(`{"a":`+strings.Repeat("[", 1<<20), 0)},
	{"DeepObjects", "is not dtype", raw(strings.Repeat(`{"a":`, 1<<20), 0)},
	{"UnknownField", `field "strides"`, raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"strides":[1]}}`, 4)},
	{"MissingField", `"shape" is missing`, raw(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4)},
	{"FieldTwice", `"dtype" occurs twice`, raw(`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)},
	{"DuplicateNames", "name occurs twice", raw(`{`+f32("a", 0, 4)+`,`+f32("b", 4, 8)+`,`+f32("a", 8, 12)+`}`, 12)},
	{"DuplicateNamesThroughEscapes", "name occurs twice", raw(`{`+f32("a", 0, 4)+`,`+f32(`\u0061`, 4, 8)+`}`, 8)},
	{"MetadataTwice", "__metadata__ occurs twice", raw(`{"__metadata__":{},"__metadata__":{}}`, 0)},
	{"MetadataKeyTwice", "key occurs twice", raw(`{"__metadata__":{"k":"1","k":"2"}}`, 0)},
	{"MetadataOfNumbers", "not a string", raw(`{"__metadata__":{"k":1}}`, 0)},
	{"MetadataNested", "not a string", raw(`{"__metadata__":{"k":{"k":"v"}}}`, 0)},
	{"MetadataIsAList", "expected an object", raw(`{"__metadata__":[]}`, 0)},
	{"DTypeIsANumber", "expected a string", field(`1`, `[1]`, `[0,4]`)},
	{"ShapeIsAString", "not a list", field(`"F32"`, `"1"`, `[0,4]`)},
	{"ShapeOfStrings", "not a number", field(`"F32"`, `["1"]`, `[0,4]`)},
	{"ShapeNested", "not a number", field(`"F32"`, `[[1]]`, `[0,4]`)},
	{"ShapeOfTooManyDimensions", "more than 64", field(`"F32"`, `[1`+strings.Repeat(",1", 64)+`]`, `[0,4]`)},
	{"NegativeDimension", "negative number -1", field(`"F32"`, `[-1]`, `[0,4]`)},
	{"FloatDimension", "not written as an integer", field(`"F32"`, `[1.0]`, `[0,4]`)},
	{"ExponentDimension", "not written as an integer", field(`"F32"`, `[1e0]`, `[0,4]`)},
	{"LeadingZero", "leading zero", field(`"F32"`, `[01]`, `[0,4]`)},
	{"DimensionAbove63Bits", "overflows 63 bits", field(`"F32"`, `[9223372036854775808]`, `[0,4]`)},
	{"EndlessNumber", "overflows 63 bits", field(`"F32"`, `[`+strings.Repeat("9", 1<<20)+`]`, `[0,4]`)},
	{"ShapeProductOverflows", "overflows", field(`"F32"`, `[4294967296,4294967296,1]`, `[0,4]`)},
	{"ShapeProductWrapsToSize", "overflows", field(`"F32"`, `[4611686018427387905,4]`, `[0,16]`)},
	{"ShapeInBytesOverflows", "overflow", field(`"F32"`, `[4611686018427387905]`, `[0,4]`)},
	{"RaggedLastByte", "whole bytes", field(`"F4"`, `[7]`, `[0,4]`)},
	{"SizeMismatch", "span 4 bytes", field(`"F32"`, `[2]`, `[0,4]`)},
	{"OneOffset", "1 numbers, want 2", field(`"F32"`, `[1]`, `[0]`)},
	{"ThreeOffsets", "more than 2", field(`"F32"`, `[1]`, `[0,4,8]`)},
	{"NegativeOffset", "negative", field(`"F32"`, `[1]`, `[-4,0]`)},
	{"OffsetsReversed", "end before they begin", field(`"F32"`, `[1]`, `[4,0]`)},
	{"OffsetsOutOfRange", "outside the 4 bytes", field(`"F32"`, `[2]`, `[0,8]`)},
	{"OffsetsFarOutOfRange", "outside", field(`"U8"`, `[1]`, `[9223372036854775806,9223372036854775807]`)},
	{"OverlappingOffsets", `offsets overlap those of tensor "a"`, raw(`{`+f32("a", 0, 8)+`,`+f32("b", 4, 12)+`}`, 12)},
	{"SameBytesTwice", "overlap", raw(`{`+f32("a", 0, 8)+`,`+f32("b", 0, 8)+`}`, 8)},
	{"NameTwice", "name occurs twice", raw(`{`+f32("a", 0, 8)+`,`+f32("a", 0, 8)+`}`, 8)},
	{"HoleAtTheStart", "hole", raw(`{`+f32("a", 4, 8)+`}`, 8)},
	{"HoleInTheMiddle", "4 bytes before it", raw(`{`+f32("a", 0, 4)+`,`+f32("b", 8, 12)+`}`, 12)},
	{"TrailingData", "3 bytes after the last tensor", raw(`{`+f32("a", 0, 4)+`}`, 7)},
	{"DataWithoutTensors", "after the last tensor", raw(`{}`, 1)},
	{"TruncatedData", "truncated", raw(`{`+f32("a", 0, 4)+`,`+f32("b", 4, 8)+`}`, 7)},
}

func TestRejects(t *testing.T) {
	for _, c := range attacks {
		t.Run(c.rule, func(t *testing.T) {
			_, err := read(c.file)
			if !errors.Is(err, fault.ErrCorrupt) {
				t.Fatalf("error %v is not of class corrupt", err)
			}
			sentence := err.Error()
			if !strings.HasPrefix(sentence, "safetensors: x.safetensors: ") || !strings.Contains(sentence, c.says) {
				t.Errorf("%q does not name the file and say %q", sentence, c.says)
			}
			if len(sentence) > 1000 {
				t.Errorf("the sentence has %d bytes", len(sentence))
			}
		})
	}
}

func TestUnknownTypesAreUnsupported(t *testing.T) {
	_, err := read(field(`"F9"`, `[1]`, `[0,4]`))
	if !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), `tensor "a": dtype "F9"`) {
		t.Error(err)
	}
}

func TestRejectsFoldersAndMissingFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

type failing struct{ after int64 }

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.after {
		return 0, errors.New("device failed")
	}
	return copy(p, raw(`{"a":{}}`, 0)[off:]), nil
}

func TestReadErrorsKeepTheirClass(t *testing.T) {
	if _, err := New(failing{0}, 100, "x"); !errors.Is(err, fault.ErrIO) {
		t.Errorf("at the length: %v", err)
	}
	shrunk := raw(`{}`, 0)
	if _, err := New(bytes.NewReader(append(shrunk[:8:8], '{')), 10, "x"); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a file that shrank: %v", err)
	}
}

// TestMemoryStaysBoundedWhileRejecting feeds headers of tens of megabytes that
// would need many times their size as a parsed tree. All that is allocated on
// the way counts, not only what is live at one time.
func TestMemoryStaysBoundedWhileRejecting(t *testing.T) {
	const bound = 64 << 20
	for name, c := range map[string]struct {
		head, body string
		n          int
	}{
		"tensors":  {`{`, `"%07d":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},`, 900_000},
		"shapes":   {`{`, `"%07d":{"dtype":"I8","shape":[0` + strings.Repeat(",0", 63) + `],"data_offsets":[0,0]},`, 200_000},
		"metadata": {`{"__metadata__":{`, `"%07d":"",`, 3_000_000},
		"escapes":  {`{"__metadata__":{"`, `\n%07d`, 4_000_000},
		"escaped":  {`{`, `"\n%07d":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},`, 250_000},
		"names":    {`{"`, `%07d`, 6_000_000},
		"nesting":  {`{"a":{"shape":`, `[[[[[[[%07d`, 2_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			file := append(make([]byte, 8), c.head...)
			for i := range c.n {
				file = fmt.Appendf(file, c.body, i)
			}
			header := uint64(len(file) - 8)
			binary.LittleEndian.PutUint64(file, header)
			r := bytes.NewReader(file)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := New(r, int64(len(file)), "x")
			runtime.ReadMemStats(&after)
			if !errors.Is(err, fault.ErrCorrupt) {
				t.Fatal(err)
			}
			used := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d MB for a header of %d MB: %v", used>>20, header>>20, err)
			if used > header+bound {
				t.Errorf("allocated %d MB for a header of %d MB", used>>20, header>>20)
			}
		})
	}
}
