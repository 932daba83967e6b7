package transform

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/quantize/block"
)

// bytesOf sees bytes as rows of one-byte elements.
func bytesOf(d dtype.DType, columns int64, data []byte) Rows {
	return Rows{DType: d, Columns: columns, Count: int64(len(data)) / columns, Read: func(_ context.Context, p []byte, off int64) error {
		copy(p, data[off:])
		return nil
	}}
}

// TestMXFP4KeepsEveryNumber decodes packed blocks and compares them with the
// numbers that codes and exponents stand for.
func TestMXFP4KeepsEveryNumber(t *testing.T) {
	levels := []float32{0, 0.5, 1, 1.5, 2, 3, 4, 6}
	const rows, columns = 3, 64
	codes, exponents := make([]byte, rows*columns/2), []byte{127, 120, 130, 1, 254, 100}
	want := make([]float32, rows*columns)
	for i := range want {
		code := byte(i*7+i/13) & 15
		codes[i/2] |= code << (i % 2 * 4)
		want[i] = levels[code&7] * dtype.E8M0ToF32(exponents[i/32])
		if code > 7 {
			want[i] = -want[i]
		}
	}
	r := MXFP4(bytesOf(dtype.I8, columns/2, codes), bytesOf(dtype.F8E8M0, columns/32, exponents))
	if r.Columns != 34 || r.Count != rows {
		t.Fatalf("%d rows of %d bytes", r.Count, r.Columns)
	}
	all := make([]byte, rows*34)
	if err := r.Read(t.Context(), all, 0); err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(want))
	for i := range rows {
		block.DequantizeMXFP4(got[i*columns:(i+1)*columns], all[i*34:(i+1)*34])
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("number %d is %v, want %v", i, got[i], want[i])
		}
	}
	some := make([]byte, 50) // from the middle of one row into the next
	if err := r.Read(t.Context(), some, 11); err != nil || !bytes.Equal(some, all[11:61]) {
		t.Errorf("a part differs from the whole, or fails: %v", err)
	}
	if err := MXFP4(bytesOf(dtype.I8, 32, codes), bytesOf(dtype.F8E8M0, 3, exponents)).Read(t.Context(), some, 0); err == nil {
		t.Error("3 exponents for 64 numbers were taken")
	}
}

func TestInt32RefusesWhatDoesNotFit(t *testing.T) {
	data := binary.LittleEndian.AppendUint64(nil, 7)
	data = binary.LittleEndian.AppendUint64(data, 1<<63)
	wide := Rows{DType: dtype.I64, Columns: 1, Count: 2, Read: func(_ context.Context, p []byte, off int64) error { copy(p, data[off:]); return nil }}
	p := make([]byte, 4)
	if err := Int32(wide).Read(t.Context(), p, 0); err != nil || binary.LittleEndian.Uint32(p) != 7 {
		t.Errorf("%v, %v", p, err)
	}
	if err := Int32(wide).Read(t.Context(), p, 4); err == nil {
		t.Error("-2^63 was taken")
	}
}
