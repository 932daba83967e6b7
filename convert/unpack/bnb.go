package unpack

import (
	"context"
	"encoding/binary"
	"math"
	"slices"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// bnbCodecs read what bitsandbytes stores: codes of 4 bits for a table of
// numbers, with a scale for each block of the flat matrix (Dettmers et al.
// 2023, arXiv:2305.14314), and 8-bit numbers with a scale for each row.
var bnbCodecs = []codec{
	{methods: []string{"bitsandbytes"}, main: ".weight", types: []dtype.DType{dtype.U8}, with: bnbStates, plain: ".weight", open: openBnb,
		parts: append([]string{".weight.absmax", ".weight.quant_map", ".weight.nested_absmax", ".weight.nested_quant_map"}, bnbStates...)},
	{methods: []string{"bitsandbytes"}, main: ".weight", types: []dtype.DType{dtype.I8}, with: []string{".SCB"}, plain: ".weight", open: openInt8,
		parts: []string{".SCB", ".weight_format"}},
}

var bnbStates = []string{".weight.quant_state.bitsandbytes__nf4", ".weight.quant_state.bitsandbytes__fp4"}

// bnb is a matrix of codes of 4 bits.
type bnb struct {
	codes, absmax hf.Tensor
	table         []float32 // of 16 numbers
	block         int64     // codes that share a scale

	// The scales of most are codes of 8 bits themselves.
	nested      []float32 // of 256 numbers; nil for none
	nestedScale []float32
	nestedBlock int64
	offset      float32
}

func openBnb(m *module) (Tensor, error) {
	at, ok := m.has(bnbStates[0])
	if !ok {
		at, _ = m.has(bnbStates[1])
	}
	if at.Size > 1<<16 {
		return Tensor{}, m.corrupt("%q has %d bytes, want a short JSON object", at.Name, at.Size)
	}
	text, err := readRaw(m.ctx, at, 0, at.Size)
	if err != nil {
		return Tensor{}, err
	}
	state, err := hf.ParseConfig(text, at.Name)
	if err != nil {
		return Tensor{}, err
	}
	b := &bnb{codes: m.main}
	shape, err := state.Ints("shape")
	if err == nil {
		b.block, err = state.IntOr("blocksize", 64)
	}
	if err != nil {
		return Tensor{}, err
	}
	n := elements(shape)
	if len(shape) < 2 || slices.Min(shape) < 1 || n%2 != 0 || m.main.Size != n/2 || b.block < 2 || b.block%2 != 0 {
		return Tensor{}, m.corrupt("%d bytes do not hold the weights of shape %v in blocks of %d that %q tells", m.main.Size, shape, b.block, at.Name)
	}
	if b.table, err = m.table(".weight.quant_map", 16); err != nil {
		return Tensor{}, err
	}
	blocks := (n + b.block - 1) / b.block
	if b.absmax, err = m.part(".weight.absmax", dtype.F32, dtype.U8); err != nil {
		return Tensor{}, err
	}
	if got := elements(b.absmax.Shape); got != blocks {
		return Tensor{}, m.corrupt("%q has %d scales for %d blocks", b.absmax.Name, got, blocks)
	}
	if b.absmax.DType == dtype.U8 {
		if err := m.nestedScales(b, state, blocks); err != nil {
			return Tensor{}, err
		}
	}
	cols := shape[len(shape)-1]
	return Tensor{Shape: shape, Rows: transform.Rows{DType: dtype.F32, Columns: cols, Count: n / cols, Read: b.read}}, nil
}

// table reads the numbers that codes stand for.
func (m *module) table(suffix string, n int64) ([]float32, error) {
	t, err := m.part(suffix, dtype.F32)
	if err != nil {
		return nil, err
	}
	if err := m.shaped(t, n); err != nil {
		return nil, err
	}
	return m.small(t, n)
}

// nestedScales reads what scales are made of that are codes themselves.
func (m *module) nestedScales(b *bnb, state hf.Config, blocks int64) (err error) {
	if b.nested, err = m.table(".weight.nested_quant_map", 256); err != nil {
		return err
	}
	if b.nestedBlock, err = state.IntOr("nested_blocksize", 256); err != nil {
		return err
	}
	offset, err := state.FloatOr("nested_offset", 0)
	if err != nil {
		return err
	}
	scales, err := m.part(".weight.nested_absmax", dtype.F32)
	if err != nil {
		return err
	}
	if b.nestedBlock < 1 || elements(scales.Shape) != (blocks+b.nestedBlock-1)/b.nestedBlock {
		return m.corrupt("%q has shape %v for %d scales in blocks of %d", scales.Name, scales.Shape, blocks, b.nestedBlock)
	}
	b.offset = float32(offset)
	b.nestedScale, err = m.small(scales, elements(scales.Shape))
	return err
}

// read fills p with weights from an offset on.
func (b *bnb) read(ctx context.Context, p []byte, off int64) error {
	const four = 4 // bytes of a float32
	first, n := off/four, int64(len(p))/four
	if n == 0 {
		return nil
	}
	buffer := scratch.get((first+n+1)/2 - first/2)
	defer scratch.Put(buffer)
	codes := *buffer
	if _, err := b.codes.ReadAt(ctx, codes, first/2); err != nil {
		return err
	}
	low := first / b.block
	scales, err := b.scales(ctx, low, (first+n-1)/b.block+1-low)
	if err != nil {
		return err
	}
	out := dtype.AsFloat32(p)
	if out == nil {
		out = make([]float32, n)
	}
	table := (*[16]float32)(b.table)
	for i := int64(0); i < n; { // block by block
		at := first + i
		end := min(n, i+b.block-at%b.block)
		scale := scales[at/b.block-low]
		if at%2 == 1 {
			out[i] = table[codes[at/2-first/2]&15] * scale
			i, at = i+1, at+1
		}
		for ; i+1 < end; i, at = i+2, at+2 { // the first has the high half
			pair := codes[at/2-first/2]
			out[i], out[i+1] = table[pair>>4]*scale, table[pair&15]*scale
		}
		if i < end {
			out[i] = table[codes[at/2-first/2]>>4] * scale
			i++
		}
	}
	return dtype.FromFloat32(p, out, dtype.F32)
}

// scales reads n scales from one on.
func (b *bnb) scales(ctx context.Context, first, n int64) ([]float32, error) {
	if b.nested == nil {
		return readFloats(ctx, b.absmax, first, n)
	}
	codes, err := readRaw(ctx, b.absmax, first, n)
	if err != nil {
		return nil, err
	}
	out := make([]float32, n)
	for i, c := range codes {
		out[i] = float32(b.nested[c]*b.nestedScale[(first+int64(i))/b.nestedBlock]) + b.offset
	}
	return out, nil
}

// openInt8 reads LLM.int8: a row has the code 127 where its weight is largest.
func openInt8(m *module) (Tensor, error) {
	scales, err := m.part(".SCB", dtype.F32)
	if err != nil {
		return Tensor{}, err
	}
	if len(m.main.Shape) != 2 || elements(m.main.Shape) == 0 {
		return Tensor{}, m.corrupt("shape %v is not that of a matrix", m.main.Shape)
	}
	rows, cols := m.main.Shape[0], m.main.Shape[1]
	if err := m.shaped(scales, rows); err != nil {
		return Tensor{}, err
	}
	if format, ok := m.has(".weight_format"); ok && format.DType == dtype.U8 {
		kind, err := readRaw(m.ctx, format, 0, elements(format.Shape))
		if err != nil {
			return Tensor{}, err
		}
		if slices.ContainsFunc(kind, func(b byte) bool { return b != 0 }) {
			return Tensor{}, m.unsupported("its codes are in the order of a kernel; save it with bitsandbytes 0.45 or later")
		}
	}
	out := transform.Rows{DType: dtype.F32, Columns: cols, Count: rows}
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		first, n := off/4, int64(len(p))/4
		if n == 0 {
			return nil
		}
		codes, err := readRaw(ctx, m.main, first, n)
		if err != nil {
			return err
		}
		low := first / cols
		scale, err := readFloats(ctx, scales, low, (first+n-1)/cols+1-low)
		if err != nil {
			return err
		}
		for i, c := range codes {
			v := float32(float32(int8(c))*scale[(first+int64(i))/cols-low]) * (1.0 / 127)
			binary.LittleEndian.PutUint32(p[4*i:], math.Float32bits(v))
		}
		return nil
	}
	return Tensor{Shape: m.main.Shape, Rows: out}, nil
}
