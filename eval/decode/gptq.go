package decode

import (
	"context"
	"regexp"
	"strings"

	"github.com/f190792d/mq/formats/hf"
)

// gptq: weight = scale · (code - zero) of the group of an input, where codes
// are packed along the inputs and zero points along the outputs.
func gptq(p *parts) (*matrix, error) {
	own := p.own()
	b := int(number(own, "bits", number(p.config, "bits", 4)))
	size := number(own, "group_size", number(p.config, "group_size", 128))
	format := word(p.config, "checkpoint_format", "gptq")
	if packing := word(p.config, "packing_format", ""); packing == "auto_round" || packing == "auto_round:gptqmodel" {
		format = "gptq_v2"
	}
	scales, shape, err := p.numbers(".scales")
	if err != nil {
		return nil, err
	}
	zeros, err := p.bytes(".qzeros")
	if err != nil {
		return nil, err
	}
	if len(p.codes.Shape) != 2 || len(shape) != 2 || b < 2 || b > 8 {
		return nil, p.wrong()
	}
	groups, outputs := shape[0], shape[1]
	inputs := p.codes.Shape[0] * 32 / int64(b)
	index, _, err := p.numbers(".g_idx")
	if err != nil {
		return nil, err
	}
	if index != nil {
		inputs = int64(len(index))
	}
	if size <= 0 {
		size = inputs
	}
	if p.codes.Shape[1] != outputs || inputs < 1 || p.codes.Shape[0]*32 < inputs*int64(b) || int64(len(zeros)) != groups*((outputs*int64(b)+31)/32)*4 || index == nil && (inputs-1)/size >= groups {
		return nil, p.wrong()
	}
	for _, g := range index {
		if g < 0 || int64(g) >= groups {
			return nil, p.wrong()
		}
	}
	split := format == "gptq_p" || b > 4 && b < 8
	if !split && format != "gptq_v2" && b != 3 {
		addOnes(zeros, b)
	}
	code := bitsAt
	if split {
		code = func(p []byte, bit, b int) int { return planar(p, bit/b, b) }
	}
	line := int64(len(zeros)) / groups
	zero := func(g, n int64) float32 {
		z := code(zeros[g*line:(g+1)*line], int(n)*b, b)
		if !split && format != "gptq_v2" && b == 3 {
			z = (z + 1) % 8
		}
		return float32(z)
	}
	return &matrix{[]int64{outputs, inputs}, func(ctx context.Context, dst []float32, first, n int64) error {
		words, err := strip(ctx, p.codes, first, n)
		if err != nil {
			return err
		}
		zeroOf := make([]float32, groups)
		for r, column := range columns(words, n, 0, n) {
			for g := range groups {
				zeroOf[g] = zero(g, first+int64(r))
			}
			for k := range inputs {
				g := k / size
				if index != nil {
					g = int64(index[k])
				}
				dst[int64(r)*inputs+k] = (float32(code(column, int(k)*b, b)) - zeroOf[g]) * scales[g*outputs+first+int64(r)]
			}
		}
		return nil
	}}, nil
}

// own finds the settings of one matrix among those of GPTQModel and AutoRound.
func (p *parts) own() hf.Config {
	for _, key := range []string{"dynamic", "extra_config"} {
		all, ok := p.config.Sub(key)
		if !ok {
			continue
		}
		for pattern := range all.Values() {
			re, err := regexp.Compile("^(?:" + strings.TrimPrefix(pattern, "+:") + ")")
			if pattern == p.prefix || err == nil && re.MatchString(p.prefix) {
				if c, ok := all.Sub(pattern); ok {
					return c
				}
			}
		}
	}
	return hf.Config{}
}

// strip reads columns [first, first+n) of a matrix of words, line by line.
func strip(ctx context.Context, t hf.Tensor, first, n int64) ([]byte, error) {
	width := t.Shape[1]
	raw := make([]byte, 4*n*t.Shape[0])
	for l := range t.Shape[0] {
		if _, err := t.ReadAt(ctx, raw[4*n*l:4*n*(l+1)], 4*(l*width+first)); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

// awq: weight = scale · (code - zero), with 4 bits.
func awq(p *parts) (*matrix, error) {
	size := number(p.config, "group_size", 128)
	scales, shape, err := p.numbers(".scales")
	if err != nil {
		return nil, err
	}
	zeros, err := p.bytes(".qzeros")
	if err != nil {
		return nil, err
	}
	if len(p.codes.Shape) != 2 || len(shape) != 2 {
		return nil, p.wrong()
	}
	if word(p.config, "version", "gemm") == "gemv" {
		return p.awqByInputs(size, scales, zeros, shape)
	}
	inputs, outputs := p.codes.Shape[0], p.codes.Shape[1]*8
	if size <= 0 {
		size = inputs
	}
	groups := (inputs + size - 1) / size
	if shape[0] != groups || shape[1] != outputs || int64(len(zeros)) != groups*outputs/2 {
		return nil, p.wrong()
	}
	// Of eight outputs the even ones stand in the low half of a word.
	place := func(n int64) int { return int(n/8*32 + n%2*16 + n%8/2*4) }
	return &matrix{[]int64{outputs, inputs}, func(ctx context.Context, dst []float32, first, n int64) error {
		low, high := first/8, (first+n-1)/8+1
		words, err := strip(ctx, p.codes, low, high-low)
		if err != nil {
			return err
		}
		for r := range n {
			out := first + r
			for k := range inputs {
				g := k / size
				z := bitsAt(zeros[g*outputs/2:], place(out), 4)
				q := bitsAt(words[k*(high-low)*4:], place(out-8*low), 4)
				dst[r*inputs+k] = float32(q-z) * scales[g*outputs+out]
			}
		}
		return nil
	}}, nil
}

// awqByInputs is the layout for single vectors: codes in order along the
// inputs, scales and zero points in lines with some room after them.
func (p *parts) awqByInputs(size int64, scales []float32, zeros []byte, shape []int64) (*matrix, error) {
	outputs, inputs := p.codes.Shape[0], p.codes.Shape[1]*8
	if size <= 0 {
		size = inputs
	}
	room := shape[1]
	if shape[0] != outputs || room*size < inputs || int64(len(zeros)) != outputs*room/2 {
		return nil, p.wrong()
	}
	return &matrix{[]int64{outputs, inputs}, func(ctx context.Context, dst []float32, first, n int64) error {
		raw := make([]byte, n*inputs/2)
		if _, err := p.codes.ReadAt(ctx, raw, first*inputs/2); err != nil {
			return err
		}
		for i := range dst {
			r, k := int64(i)/inputs, int64(i)%inputs
			z := bitsAt(zeros[(first+r)*room/2:], int(k/size)*4, 4)
			dst[i] = float32(bitsAt(raw, i*4, 4)-z) * scales[(first+r)*room+k/size]
		}
		return nil
	}}, nil
}
