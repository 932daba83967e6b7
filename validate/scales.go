package validate

import (
	"encoding/binary"

	"github.com/f190792d/mq/quantize"
)

// largestHalf is the largest finite magnitude of a half-precision float,
// 65504, as bits.
const largestHalf = 0x7bff

// saturated counts the half-precision scales of a row that stand at the end of
// their range.
func saturated(typ quantize.Type, scales []int, row []byte) int64 {
	var n int64
	for at := 0; at+typ.Bytes <= len(row); at += typ.Bytes {
		for _, offset := range scales {
			if binary.LittleEndian.Uint16(row[at+offset:])&0x7fff == largestHalf {
				n++
			}
		}
	}
	return n
}
