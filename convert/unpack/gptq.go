package unpack

import (
	"context"
	"encoding/binary"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// words32 are the types of packed words.
var words32 = []dtype.DType{dtype.I32, dtype.U32}

// gptqCodecs read GPTQ (Frantar et al. 2022, arXiv:2210.17323) as AutoGPTQ
// and GPTQModel write it: codes packed along the inputs, one column for each
// output.
var gptqCodecs = []codec{{
	methods: []string{"gptq"}, main: ".qweight", types: words32, plain: ".weight", open: openGPTQ,
	parts: []string{".qzeros", ".scales", ".g_idx"},
}}

func openGPTQ(m *module) (Tensor, error) {
	scales, err := m.part(".scales", floats...)
	if err != nil {
		return Tensor{}, err
	}
	zeros, err := m.part(".qzeros", words32...)
	if err != nil {
		return Tensor{}, err
	}
	if len(m.main.Shape) != 2 || len(scales.Shape) != 2 || scales.Shape[0] < 1 || scales.Shape[1] != m.main.Shape[1] {
		return Tensor{}, m.corrupt("shape %v with scales %v is not that of a matrix in groups", m.main.Shape, scales.Shape)
	}
	s, err := m.gptqSettings()
	if err != nil {
		return Tensor{}, err
	}
	a := &affine{rows: m.main.Shape[1], cols: m.main.Shape[0] * 32 / int64(s.layout.bits), groups: scales.Shape[0], high: 1<<s.layout.bits - 1, tiles: m.tiles}
	index, indexed := m.has(".g_idx")
	if indexed && len(index.Shape) == 1 {
		a.cols = index.Shape[0]
	}
	if want := s.layout.words(a.cols); a.cols == 0 || m.main.Shape[0] != want {
		return Tensor{}, m.corrupt("%d words for each of its columns of %d codes with %d bits, want %d", m.main.Shape[0], a.cols, s.layout.bits, want)
	}
	if err := m.gptqGroups(a, s.size, index, indexed); err != nil {
		return Tensor{}, err
	}
	if err := m.shaped(zeros, a.groups, s.layout.words(a.rows)); err != nil {
		return Tensor{}, err
	}
	a.codes = func(ctx context.Context, first, n int64, dst []byte) error {
		return m.strips.columns(ctx, m.main, a.rows, first, n, func(words []byte) error {
			s.layout.down(dst, words, n, a.cols)
			return nil
		})
	}
	a.params = func(ctx context.Context, first, n int64, scale, offset []float32) error {
		if err := m.turnedFloats(ctx, scales, scale, a.rows, first, n); err != nil {
			return err
		}
		from, to, skip := s.layout.within(first, n, a.rows)
		return m.strips.columns(ctx, zeros, s.layout.words(a.rows), from, to-from, func(words []byte) error {
			s.zeros(offset, words, 4*(to-from), skip, n)
			return nil
		})
	}
	return a.tensor([]int64{a.rows, a.cols}), nil
}

// turnedFloats reads scales stored by group for some rows, row by row.
func (m *module) turnedFloats(ctx context.Context, t hf.Tensor, dst []float32, width, first, n int64) error {
	line, groups, size := make([]float32, n), int64(len(dst))/n, n*int64(t.DType.Bits())/8
	return m.strips.columns(ctx, t, width, first, n, func(stored []byte) error {
		for g := range groups {
			if err := dtype.ToFloat32(line, stored[g*size:(g+1)*size], t.DType); err != nil {
				return err
			}
			for r, v := range line {
				dst[int64(r)*groups+g] = v
			}
		}
		return nil
	})
}

// gptqSettings are what a configuration says of one matrix.
type gptqSettings struct {
	layout *layout
	size   int64 // of a group
	one    bool  // zero points are stored less one
	word   bool  // which was taken off whole words
}

func (m *module) gptqSettings() (s gptqSettings, err error) {
	config := m.method.Config
	bits, err := config.IntOr("bits", 4)
	if err == nil {
		s.size, err = config.IntOr("group_size", 128)
	}
	if err != nil {
		return s, err
	}
	if bits, s.size, err = m.own(bits, s.size); err != nil {
		return s, err
	}
	if bits < 2 || bits > 8 {
		return s, m.corrupt("codes of %d bits are not those of GPTQ", bits)
	}
	format, err := config.StringOr("checkpoint_format", "gptq")
	if err != nil {
		return s, err
	}
	if m.method.Format == "gptq_v2" {
		format = "gptq_v2"
	}
	planar := format == "gptq_p" || bits > 4 && bits < 8
	s.layout = stream(int(bits))
	if planar {
		s.layout = planes(int(bits))
	}
	s.one = !planar && format != "gptq_v2"
	s.word = 32%bits == 0
	return s, nil
}

// gptqGroups finds out which group every column belongs to: what g_idx says, or
// one after the other.
func (m *module) gptqGroups(a *affine, size int64, index hf.Tensor, indexed bool) error {
	if size <= 0 {
		size = a.cols
	}
	a.size = size
	if want := (a.cols + size - 1) / size; a.groups != want {
		return m.corrupt("%d groups of scales for %d columns in groups of %d, want %d", a.groups, a.cols, size, want)
	}
	if scattered, _ := m.method.Config.BoolOr("desc_act", false); scattered && !indexed && a.groups > 1 {
		_, err := m.part(".g_idx")
		return err
	}
	if !indexed {
		return nil
	}
	if err := m.typed(index, dtype.I32, dtype.I64); err != nil {
		return err
	}
	if err := m.shaped(index, a.cols); err != nil {
		return err
	}
	raw, err := readRaw(m.ctx, index, 0, a.cols)
	if err != nil {
		return err
	}
	a.index = make([]int32, a.cols)
	straight, columns := true, make([]int64, a.groups)
	for i := range a.index {
		g := int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		if index.DType == dtype.I64 {
			g = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		if g < 0 || g >= a.groups {
			return m.corrupt("%q puts column %d into group %d of %d", index.Name, i, g, a.groups)
		}
		a.index[i] = int32(g)
		columns[g]++
		straight = straight && g == int64(i)/size
	}
	for g, n := range columns[:a.groups-1] {
		if n != size {
			return m.corrupt("%q puts %d columns into group %d, but %s says groups of %d", index.Name, n, g, m.method.Source, size)
		}
	}
	if straight {
		a.index = nil
	}
	return nil
}

// zeros unpacks zero points stored by group, packed along the rows of the
// matrix, for n rows of those in the words, row by row. GPTQ stores them less
// one: in codes that divide a word that was taken off the whole word, with
// carries.
func (s *gptqSettings) zeros(dst []float32, words []byte, width, skip, n int64) {
	ones := uint32(0)
	if s.one && s.word {
		ones = 0xffffffff / (1<<s.layout.bits - 1)
	}
	groups := int64(len(dst)) / n
	whole, line := make([]byte, width), make([]byte, skip+n)
	for g := range groups {
		copy(whole, words[g*width:])
		for i := 0; i < len(whole); i += 4 {
			binary.LittleEndian.PutUint32(whole[i:], binary.LittleEndian.Uint32(whole[i:])+ones)
		}
		s.layout.line(line, whole)
		for r, z := range line[skip:] {
			if s.one && !s.word {
				z = (z + 1) & (1<<s.layout.bits - 1)
			}
			dst[int64(r)*groups+g] = float32(z)
		}
	}
}
