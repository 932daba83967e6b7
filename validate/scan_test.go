package validate

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// A glance decodes few values, and must find what a scan of all of them finds.
func TestAGlanceFindsWhatAScanFinds(t *testing.T) {
	const columns, plain = 512, 6
	rng := rand.New(rand.NewPCG(11, 7))
	for _, typ := range quantize.Types() {
		if typ.Quantize == nil || columns%typ.Block != 0 {
			continue
		}
		size := columns / typ.Block * typ.Bytes
		ones := make([]float32, columns)
		for i := range ones {
			ones[i] = 1
		}
		encode := func(value func(i int) float32) []byte {
			x, row := make([]float32, columns), make([]byte, size)
			for i := range x {
				x[i] = value(i)
			}
			typ.Quantize(row, x, ones)
			return row
		}
		normal := func(int) float32 { return 20 * float32(rng.NormFloat64()) }
		rows := [][]byte{
			encode(func(int) float32 { return 0 }),
			encode(func(int) float32 { return 0.3125 }),
			encode(func(i int) float32 { return map[bool]float32{true: 1.75}[i >= 256] * normal(i) }),
		}
		for range plain {
			rows = append(rows, encode(normal))
		}
		for _, offset := range append(typ.Scales(), 0) {
			for _, bits := range []uint16{0x7c00, 0xfe01, 0x7bff} { // infinity, NaN, the largest
				row := encode(normal)
				copy(row[size-typ.Bytes+offset:], []byte{byte(bits), byte(bits >> 8)}[:min(2, typ.Bytes)])
				rows = append(rows, row)
			}
		}
		for _, v := range []float64{math.NaN(), math.Inf(-1)} {
			if typ.Block == 1 {
				rows = append(rows, encode(func(i int) float32 { return map[bool]float32{true: float32(v)}[i == columns-1] }))
			}
		}
		all := bytes.Join(rows, nil)
		info := gguf.TensorInfo{Name: "a", Type: typ.ID, Shape: []int64{columns, int64(len(rows))}}
		j := &job{typ: typ, scales: typ.Scales(), file: gguf.Stream{TensorInfo: info, ReadRows: func(_ context.Context, dst []byte, first int64) error {
			copy(dst, all[first*int64(size):])
			return nil
		}}}
		var s scanner
		want, err := s.scan(t.Context(), j, 0, int64(len(rows)))
		if err != nil {
			t.Fatal(err)
		}
		j.glance = true
		got, err := s.scan(t.Context(), j, 0, int64(len(rows)))
		if err != nil {
			t.Fatal(err)
		}
		got.y2, want.y2 = 0, 0
		if got.rows != want.rows || got.values != want.values || got.nan != want.nan || got.inf != want.inf || got.zero != want.zero ||
			got.constant != want.constant || got.overflow != want.overflow || got.sum != want.sum {
			t.Errorf("%s: at a glance %+v; scanned %+v", typ.Name, *got, *want)
		}
		if len(typ.Scales()) > 0 && want.nan+want.inf == 0 {
			t.Errorf("%s: no value was spoilt", typ.Name)
		}
	}
}

// The glance is worth its name: sound rows are not decoded.
func TestSoundRowsAreNotDecoded(t *testing.T) {
	for _, name := range []string{"Q4_K", "Q6_K", "Q8_0", "BF16", "F32"} {
		typ, _ := quantize.ByName(name)
		x, decoded := make([]float32, 4096), 0
		for i := range x {
			x[i] = float32(math.Sin(float64(i)))
		}
		row := make([]byte, 4096/typ.Block*typ.Bytes)
		typ.Quantize(row, x, nil)
		dequantize := typ.Dequantize
		typ.Dequantize = func(dst []float32, src []byte) { decoded += len(dst); dequantize(dst, src) }
		s := scanner{y: make([]float32, 4096)}
		if !s.sound(typ, row) || decoded > 256 {
			t.Errorf("%s: %d values of a sound row were decoded", name, decoded)
		}
	}
}
