package decode

import (
	"context"
	"encoding/json"

	"github.com/f190792d/mq/formats/dtype"
)

// bitsandbytes: weight = table[code] · scale of a block of the flat matrix, or
// for 8 bits code · scale of the row / 127.
func bitsandbytes(p *parts) (*matrix, error) {
	if p.codes.DType == dtype.I8 {
		return p.int8()
	}
	if p.codes.DType != dtype.U8 {
		return nil, nil
	}
	var text []byte
	var err error
	for _, kind := range []string{"nf4", "fp4"} {
		if text == nil && err == nil {
			text, err = p.bytes(".weight.quant_state.bitsandbytes__" + kind)
		}
	}
	var state struct {
		Shape     []int64 `json:"shape"`
		Block     int64   `json:"blocksize"`
		Nested    int64   `json:"nested_blocksize"`
		MovedBack float64 `json:"nested_offset"`
	}
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(text, &state) != nil || len(state.Shape) < 2 || state.Block < 1 {
		return nil, p.wrong()
	}
	table, _, err := p.numbers(".weight.quant_map")
	if err != nil {
		return nil, err
	}
	scales, _, err := p.numbers(".weight.absmax")
	if err != nil {
		return nil, err
	}
	second, _, err := p.numbers(".weight.nested_absmax")
	if err != nil {
		return nil, err
	}
	if second != nil {
		levels, _, err := p.numbers(".weight.nested_quant_map")
		if err != nil {
			return nil, err
		}
		if len(levels) != 256 || state.Nested < 1 || (int64(len(scales))-1)/state.Nested >= int64(len(second)) {
			return nil, p.wrong()
		}
		for i, code := range scales {
			scales[i] = float32(levels[int(code)]*second[int64(i)/state.Nested]) + float32(state.MovedBack)
		}
	}
	cols, n := state.Shape[len(state.Shape)-1], int64(1)
	for _, d := range state.Shape {
		n *= d
	}
	if len(table) != 16 || n < 1 || p.codes.Size != (n+1)/2 || int64(len(scales)) != (n-1)/state.Block+1 {
		return nil, p.wrong()
	}
	return &matrix{state.Shape, func(ctx context.Context, dst []float32, first, rows int64) error {
		from, to := first*cols/2, ((first+rows)*cols+1)/2
		raw := make([]byte, to-from)
		if _, err := p.codes.ReadAt(ctx, raw, from); err != nil {
			return err
		}
		for i := range dst {
			at := first*cols + int64(i)
			code := raw[at/2-from]
			if at%2 == 0 {
				code >>= 4
			}
			dst[i] = table[code&15] * scales[at/state.Block]
		}
		return nil
	}}, nil
}

func (p *parts) int8() (*matrix, error) {
	scales, _, err := p.numbers(".SCB")
	if err != nil || scales == nil {
		return nil, err
	}
	if len(p.codes.Shape) != 2 || p.codes.Shape[0] != int64(len(scales)) || p.codes.Shape[1] < 1 {
		return nil, p.wrong()
	}
	cols := p.codes.Shape[1]
	return &matrix{p.codes.Shape, func(ctx context.Context, dst []float32, first, n int64) error {
		raw := make([]byte, n*cols)
		_, err := p.codes.ReadAt(ctx, raw, first*cols)
		for i, c := range raw {
			dst[i] = float32(float32(int8(c))*scales[first+int64(i)/cols]) * float32(1.0/127)
		}
		return err
	}}, nil
}
