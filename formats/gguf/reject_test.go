package gguf

import (
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

const arr = uint32(ArrayType)

func TestRejectsBrokenFiles(t *testing.T) {
	corrupt, unsupported := fault.ErrCorrupt, fault.ErrUnsupported
	for _, c := range []struct {
		name  string
		file  []byte
		class error
		says  string // what must be named
	}{
		// What is no GGUF file.
		{"empty", nil, corrupt, "empty"},
		{"other magic", []byte("what a fine day"), corrupt, `"what"`},
		{"old ggjt", []byte("tjgg\x03\x00\x00\x00"), unsupported, "GGJT"},
		{"old ggml", []byte("lmgg\x03\x00\x00\x00"), unsupported, "GGML"},
		{"safetensors", []byte("\x10\x00\x00\x00\x00\x00\x00\x00{\"a\":1}"), unsupported, "safetensors"},
		{"zip", []byte("PK\x03\x04rest"), unsupported, "PyTorch"},
		{"pickle", []byte("\x80\x02}q\x00"), unsupported, "pickle"},
		{"lfs pointer", []byte("version https://git-lfs.github.com/spec/v1\n"), corrupt, "git lfs pull"},
		{"web page", []byte("<!DOCTYPE html>"), corrupt, "web page"},
		{"zeros", make([]byte, 64), corrupt, "zeros"},
		{"magic alone", []byte(magic), corrupt, "ends at 4"},
		{"half a magic", []byte("GG"), corrupt, `"GG"`},

		// Versions.
		{"version 0", fields([]byte(magic), uint32(0)), corrupt, "version is 0"},
		{"version 1", fields([]byte(magic), uint32(1)), unsupported, "version 1"},
		{"version 4", fields([]byte(magic), uint32(4)), unsupported, "version 4"},
		{"big-endian", fields([]byte(magic), []byte{0, 0, 0, 3}), unsupported, "big-endian"},

		// Counts.
		{"2^60 tensors", head(1<<60, 0), corrupt, "1152921504606846976 tensors"},
		{"2^64-1 keys", head(0, math.MaxUint64), corrupt, "18446744073709551615 key-values"},

		// Keys.
		{"key longer than the file", fields(head(0, 1), uint64(1<<60), make([]byte, 64)), corrupt, "longer than 65535"},
		{"key past the end", fields(head(0, 1), uint64(60000), make([]byte, 64)), corrupt, "key 1 of 1"},
		{"empty key", withKV("", uint32(0), uint8(0), make([]byte, 8)), corrupt, "empty"},
		{"key twice", fields(head(0, 2), "k", uint32(0), uint8(1), "k", uint32(0), uint8(1), make([]byte, 8)), corrupt, `key "k": the key occurs twice`},
		{"unknown value type", withKV("k", uint32(13), make([]byte, 8)), corrupt, "value type 13"},
		{"largest value type", withKV("k", uint32(math.MaxUint32), make([]byte, 8)), corrupt, "value type 4294967295"},
		{"string longer than the file", withKV("k", uint32(8), uint64(1<<40)), corrupt, `key "k"`},
		{"string of 2^64-1 bytes", withKV("k", uint32(8), uint64(math.MaxUint64)), corrupt, `key "k"`},
		{"value cut off", withKV("key", uint32(12), uint32(0)), corrupt, `key "key"`},

		// Arrays.
		{"unknown item type", withKV("k", arr, uint32(99), uint64(1), make([]byte, 8)), corrupt, "item type 99"},
		{"array of 2^60 items", withKV("k", arr, uint32(0), uint64(1<<60)), corrupt, "1152921504606846976 items"},
		{"array of 2^61 wide items", withKV("k", arr, uint32(10), uint64(1<<61)), corrupt, "2305843009213693952 items"},
		{"array one item too long", withKV("k", arr, uint32(4), uint64(3), uint64(0)), corrupt, "3 items of type u32"},
		{"array of 2^60 strings", withKV("k", arr, uint32(8), uint64(1<<60)), corrupt, "items of type str"},
		{"string past the end in an array", withKV("k", arr, uint32(8), uint64(2), "a", uint64(1<<40), make([]byte, 8)), corrupt, `key "k"`},
		{"long string past the end in an array", withKV("k", arr, uint32(8), uint64(2), "a", uint64(100000), make([]byte, 8)), corrupt, `key "k"`},
		{"2^60 arrays in an array", withKV("k", arr, arr, uint64(1<<60)), corrupt, "1152921504606846976 arrays"},
		{"nested too deep", withKV("k", arr, nest(9), uint32(0), uint64(0)), unsupported, "deeper than 8"},
		{"many arrays in an array", withKV("k", arr, arr, uint64(70000), make([]byte, 12*70000)), unsupported, "more than 65536"},

		// Alignment.
		{"alignment 0", withKV(AlignmentKey, uint32(4), uint32(0)), corrupt, "alignment 0 is not a power of two"},
		{"alignment 48", withKV(AlignmentKey, uint32(4), uint32(48)), corrupt, "alignment 48"},
		{"alignment of 2 MiB", withKV(AlignmentKey, uint32(4), uint32(2<<20)), corrupt, "alignment 2097152 is above 1048576 bytes"},
		{"alignment of another type", withKV(AlignmentKey, uint32(10), uint64(32)), corrupt, AlignmentKey},

		// Tensor descriptions.
		{"no description", append(head(1, 0), make([]byte, 20)...), corrupt, "1 tensors"},
		{"name of 65 bytes", withTensors(0, info(strings.Repeat("n", 65), TypeF32, 0)), corrupt, "65 bytes"},
		{"name twice", withTensors(64, info("a", TypeF32, 0, 1), info("a", TypeF32, 32, 1)), corrupt, `tensor "a": the name occurs twice`},
		{"five dimensions", withTensors(4, info("a", TypeF32, 0, 1, 1, 1, 1, 1)), corrupt, "5 dimensions"},
		{"2^32-1 dimensions", withTensors(0, fields("a", uint32(math.MaxUint32), make([]byte, 32))), corrupt, "4294967295 dimensions"},
		{"negative length", withTensors(4, info("a", TypeF32, 0, 1<<63)), corrupt, "negative"},
		{"elements overflow", withTensors(4, info("a", TypeF32, 0, 1<<32, 1<<32)), corrupt, "overflows"},
		{"elements overflow to nothing", withTensors(4, info("a", TypeF32, 0, 1<<32, 1<<32, 1<<32, 1<<32)), corrupt, "overflows"},
		{"bytes overflow", withTensors(4, info("a", TypeF32, 0, 1<<31, 1<<31)), corrupt, "the size of shape"},
		{"rows that blocks do not fill", withTensors(4, info("a", TypeQ4_K, 0, 128, 2)), corrupt, "not a multiple of the Q4_K block length 256"},
		{"scalar in blocks", withTensors(64, info("a", TypeQ8_0, 0)), corrupt, "not a multiple of the Q8_0 block length 32"},
		{"removed type", withTensors(64, info("a", 4, 0, 32)), unsupported, "Q4_2 (id 4)"},
		{"removed repacked type", withTensors(64, info("a", 33, 0, 32)), unsupported, "Q4_0_8_8"},
		{"unknown type", withTensors(64, info("a", 43, 0, 32)), unsupported, "type id 43"},
		{"largest type", withTensors(64, info("a", math.MaxUint32, 0, 32)), unsupported, "type id 4294967295"},

		// Placement.
		{"negative offset", withTensors(64, info("a", TypeF32, 1<<63, 1)), corrupt, "offset 9223372036854775808"},
		{"offset out of line", withTensors(64, info("a", TypeF32, 16, 1)), corrupt, "offset 16 is not a multiple of the alignment 32"},
		{"offset past the end", withTensors(64, info("a", TypeF32, 1<<40, 1)), corrupt, `tensor "a"`},
		{"data past the end", withTensors(64, info("a", TypeF32, 32, 9)), corrupt, "36 bytes at offset 32"},
		{"overlap", withTensors(64, info("a", TypeF32, 0, 9), info("b", TypeF32, 32, 1)), corrupt, `tensor "b": its data overlap with those of tensor "a"`},
		{"same place", withTensors(64, info("b", TypeF32, 32, 1), info("a", TypeF32, 32, 1)), corrupt, "overlap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(c.file)
			if !errors.Is(err, c.class) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %v with %q", err, c.class, c.says)
			}
			var e *fault.Error
			if !errors.As(err, &e) || e.File != "test.gguf" || (e.Tensor != "") != strings.Contains(err.Error(), ": tensor \"") || (e.Key != "") != strings.Contains(err.Error(), ": key \"") {
				t.Errorf("the fields are not those of the sentence: %+v", e)
			}
			if !strings.HasPrefix(err.Error(), "gguf: test.gguf: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is not one sentence that names the file: %v", err)
			}
		})
	}
}

// nest is the beginning of n arrays, each in the one before.
func nest(n int) []byte {
	var b []byte
	for range n {
		b = append(b, fields(arr, uint64(1))...)
	}
	return b
}

func TestRejectsEveryTruncation(t *testing.T) {
	kvs, tensors := sample()
	whole := build(t, kvs, tensors)
	last := tensors[len(tensors)-1]
	padding := int(pad(last.Size(), DefaultAlignment) - last.Size())
	for n := range whole {
		_, err := open(whole[:n])
		if complete := n >= len(whole)-padding; complete != (err == nil) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		} else if err != nil && !errors.Is(err, fault.ErrCorrupt) {
			t.Fatalf("%d of %d bytes: %v is not a corrupt file", n, len(whole), err)
		}
	}
}

// endless is a file of the given size whose bytes after the beginning are
// zeros that are made up as they are read.
type endless []byte

func (e endless) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(e)) {
		copy(p, e[off:])
	}
	return len(p), nil
}

func TestMemoryStaysBoundedWhileRejecting(t *testing.T) {
	const size = 1 << 42
	for name, file := range map[string][]byte{
		"strings":      withKV("k", arr, uint32(8), uint64(1<<38)),
		"most strings": fields(head(0, 2), "k", arr, uint32(8), uint64(maxStrings)), // then an empty key
		"numbers":      withKV("k", arr, uint32(12), uint64(1<<37)),
		"one string":   withKV("k", uint32(8), uint64(1<<41)),
		"arrays":       withKV("k", arr, arr, uint64(1<<36)),
		"tensors":      head(1<<36, 0),
		"keys":         head(0, 1<<36),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := New(endless(file), size, "test.gguf")
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("accepted")
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 {
				t.Errorf("%d MiB were allocated in all", n>>20)
			}
		})
	}
}

type failing struct{ error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.error }

func TestDeviceErrorsAreNotCorruption(t *testing.T) {
	broken := errors.New("the cable is out")
	if _, err := New(failing{broken}, 100, "x"); !errors.Is(err, fault.ErrIO) || !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := New(failing{io.EOF}, 100, "x"); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a file that is shorter than its size gives %v", err)
	}
}
