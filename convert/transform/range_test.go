package transform

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// TestStreamNamesAValueThatItsTypeCannotHold: a float type never takes another
// value for one that is beyond it.
func TestStreamNamesAValueThatItsTypeCannotHold(t *testing.T) {
	doubles := func(columns int64, x ...float64) Rows {
		data := make([]byte, 0, 8*len(x))
		for _, v := range x {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		}
		return Rows{DType: dtype.F64, Columns: columns, Count: int64(len(x)) / columns, Read: func(_ context.Context, p []byte, off int64) error {
			copy(p, data[off:])
			return nil
		}}
	}
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		kind gguf.Type
		x    float64
		says string // nothing: it is held
	}{
		{gguf.TypeF16, 65519, ""},
		{gguf.TypeF16, 65520, "65520 is out of the range of F16; BF16 holds it"},
		{gguf.TypeF16, -999424, "-999424 is out of the range of F16; BF16 holds it"},
		{gguf.TypeF16, nan, "the value is NaN"},
		{gguf.TypeF16, -inf, "the value is -Inf"},
		{gguf.TypeBF16, 999424, ""},
		{gguf.TypeBF16, 3.4e38, "3.4e+38 is out of the range of BF16; F32 holds it"},
		{gguf.TypeBF16, nan, "the value is NaN"},
		{gguf.TypeF32, 3.4e38, ""},
		{gguf.TypeF32, 1e300, "1e+300 is out of the range of F32"},
		{gguf.TypeBF16, 1e300, "1e+300 is out of the range of F32"},
		{gguf.TypeF32, inf, ""}, // as it is in the checkpoint; whoever writes the file looks at it
	} {
		s := Stream(gguf.TensorInfo{Name: "x", Type: c.kind, Shape: []int64{3, 2}}, doubles(3, 1, 2, 3, 4, c.x, 6), nil)
		err := s.ReadRows(t.Context(), make([]byte, 2*s.RowBytes()), 0)
		if (err == nil) != (c.says == "") {
			t.Errorf("%v as %s: %v", c.x, c.kind, err)
		}
		if err != nil && (!errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), `tensor "x": row 1, column 1: `+c.says)) {
			t.Errorf("%v as %s: %v, want %q", c.x, c.kind, err, c.says)
		}
	}
}
