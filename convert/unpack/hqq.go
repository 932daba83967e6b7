package unpack

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// hqqCodecs read HQQ (Badri and Shaji 2023) as its library stores a layer.
var hqqCodecs = []codec{{
	methods: []string{"hqq"}, main: ".W_q", types: []dtype.DType{dtype.U8, dtype.I32}, plain: ".weight", open: openHQQ,
	parts: []string{".scale", ".zero", ".shape", ".nbits", ".group_size", ".axis", ".packing", ".unpack_view_dtype", ".view_as_float", ".quant_scale", ".quant_zero",
		".compute_dtype", ".offload_meta", ".encoded_state_dict", ".stores_quant_config", ".channel_wise", ".optimize", ".round_zero"},
}}

// hqqPacking is how many codes of some bits an element holds and where: code
// i of them belongs to part i of the rows, and has the shift first - i · bits.
var hqqPacking = map[int64]struct {
	per   int64
	first int
	kind  dtype.DType
}{
	8: {1, 0, dtype.U8}, 4: {2, 4, dtype.U8}, 3: {10, 27, dtype.I32}, 2: {4, 6, dtype.U8}, 1: {8, 7, dtype.U8},
}

// hqq is a matrix whose codes lie in rows of a group each, or in columns.
type hqq struct {
	packed     hf.Tensor
	bits, per  int64
	shift      int
	count      int64 // of all codes
	width, row int64 // of a packed row; of a row of the matrix
	slab       int64 // codes with the same shift
	columns    bool  // a column is a group, not a row
	scale      hf.Tensor
	zero       hf.Tensor
}

func openHQQ(m *module) (Tensor, error) {
	var set [3]int64
	for i, suffix := range []string{".nbits", ".group_size", ".axis"} {
		t, err := m.part(suffix, dtype.I32, dtype.I64)
		if err != nil {
			return Tensor{}, err
		}
		v, err := m.integers(t, 1)
		if err != nil {
			return Tensor{}, err
		}
		if len(v) != 1 {
			return Tensor{}, m.corrupt("%q is not one number", t.Name)
		}
		set[i] = v[0]
	}
	for _, suffix := range []string{".quant_scale", ".quant_zero", ".view_as_float"} {
		if t, ok := m.has(suffix); ok && t.Size == 1 {
			if on, err := readRaw(m.ctx, t, 0, 1); err != nil || on[0] != 0 {
				return Tensor{}, m.unsupported("%q is set; save it with scales and zero points that are not quantized themselves", t.Name)
			}
		}
	}
	at, err := m.part(".shape", dtype.I64, dtype.I32)
	if err != nil {
		return Tensor{}, err
	}
	shape, err := m.integers(at, 4)
	if err != nil {
		return Tensor{}, err
	}
	bits, size := set[0], set[1]
	for i, key := range []string{"nbits", "group_size"} {
		if want, err := m.method.Config.IntOr("quant_config.weight_quant_params."+key, set[i]); err != nil || want != set[i] {
			return Tensor{}, m.corrupt("%s says %s %d, but its own is %d", m.method.Source, key, want, set[i])
		}
	}
	p, known := hqqPacking[bits]
	if !known || len(shape) < 2 || elements(shape) <= 0 || size <= 0 || elements(shape)%size != 0 || m.main.DType != p.kind || len(m.main.Shape) != 2 {
		return Tensor{}, m.corrupt("shape %v and type %s do not hold the codes of %d bits in groups of %d of a matrix of shape %v", m.main.Shape, m.main.DType, bits, size, shape)
	}
	h := &hqq{packed: m.main, bits: bits, per: p.per, shift: p.first, count: elements(shape), row: shape[len(shape)-1], columns: set[2] == 0}
	groups := h.count / size
	if h.width = size; h.columns {
		h.width = groups
	}
	h.slab = m.main.Shape[0] * h.width
	if m.main.Shape[1] != h.width || h.slab*h.per < h.count || h.slab*h.per-h.count >= h.per*h.width {
		return Tensor{}, m.corrupt("shape %v does not hold %d codes of %d bits in groups of %d", m.main.Shape, h.count, bits, size)
	}
	if h.scale, err = m.part(".scale", floats...); err != nil {
		return Tensor{}, err
	}
	if h.zero, err = m.part(".zero", floats...); err != nil {
		return Tensor{}, err
	}
	for _, t := range []hf.Tensor{h.scale, h.zero} {
		if elements(t.Shape) != groups {
			return Tensor{}, m.corrupt("%q has shape %v for %d groups", t.Name, t.Shape, groups)
		}
	}
	if h.columns || h.row%size != 0 {
		return Tensor{Shape: shape, Rows: transform.Rows{DType: dtype.F32, Columns: h.row, Count: h.count / h.row, Read: h.read}}, nil
	}
	a := &affine{rows: h.count / h.row, cols: h.row, groups: h.row / size, size: size, high: 1<<bits - 1, tiles: m.tiles}
	a.codes = func(ctx context.Context, first, n int64, dst []byte) error { return h.codes(ctx, first*h.row, dst) }
	a.params = func(ctx context.Context, first, n int64, scale, offset []float32) error {
		if err := floatsInto(ctx, h.scale, first*a.groups, scale); err != nil {
			return err
		}
		return floatsInto(ctx, h.zero, first*a.groups, offset)
	}
	return a.tensor(shape), nil
}

// codes reads codes of the flat matrix from one on.
func (h *hqq) codes(ctx context.Context, first int64, dst []byte) error {
	size := int64(h.packed.DType.Bits()) / 8
	for len(dst) > 0 {
		part := first / h.slab
		n := min(int64(len(dst)), (part+1)*h.slab-first)
		raw, err := readRaw(ctx, h.packed, first-part*h.slab, n)
		if err != nil {
			return err
		}
		shift, mask := h.shift-int(part*h.bits), uint32(1)<<h.bits-1
		for i := range n {
			word := uint32(raw[i*size])
			if size == 4 {
				word = binary.LittleEndian.Uint32(raw[4*i:])
			}
			dst[i] = byte(word >> shift & mask)
		}
		dst, first = dst[n:], first+n
	}
	return nil
}

// read fills p with weights of the flat matrix.
func (h *hqq) read(ctx context.Context, p []byte, off int64) error {
	first := off / 4
	codes := make([]byte, len(p)/4)
	if err := h.codes(ctx, first, codes); err != nil {
		return err
	}
	// The groups of the elements follow each other, or repeat with every row.
	from, n := first/h.width, (first+int64(len(codes))-1)/h.width+1-first/h.width
	if h.columns {
		from, n = 0, h.width
	}
	scale, err := readFloats(ctx, h.scale, from, n)
	if err != nil {
		return err
	}
	zero, err := readFloats(ctx, h.zero, from, n)
	if err != nil {
		return err
	}
	for i, c := range codes {
		g := (first+int64(i))/h.width - from
		if h.columns {
			g = (first + int64(i)) % h.width
		}
		v := float32(float32(c)-zero[g]) * scale[g]
		binary.LittleEndian.PutUint32(p[4*i:], math.Float32bits(v))
	}
	return nil
}
