package validate

import (
	"encoding/binary"

	"github.com/f190792d/mq/formats/gguf"
)

// scaleField is where the blocks of a type keep half-precision scales, in
// bytes from the start of a block, and how long a block is.
type scaleField struct {
	block   int
	offsets []int
}

// scaleFields covers the types that have such scales. IQ1_M spreads its scale
// over other fields, MXFP4 and NVFP4 have scales of 8 bits.
var scaleFields = map[gguf.Type]scaleField{
	gguf.TypeQ1_0:    {18, []int{0}},
	gguf.TypeQ2_0:    {18, []int{0}},
	gguf.TypeQ4_0:    {18, []int{0}},
	gguf.TypeQ4_1:    {20, []int{0, 2}},
	gguf.TypeQ5_0:    {22, []int{0}},
	gguf.TypeQ5_1:    {24, []int{0, 2}},
	gguf.TypeQ8_0:    {34, []int{0}},
	gguf.TypeQ2_K:    {84, []int{80, 82}},
	gguf.TypeQ3_K:    {110, []int{108}},
	gguf.TypeQ4_K:    {144, []int{0, 2}},
	gguf.TypeQ5_K:    {176, []int{0, 2}},
	gguf.TypeQ6_K:    {210, []int{208}},
	gguf.TypeIQ1_S:   {50, []int{0}},
	gguf.TypeIQ2_XXS: {66, []int{0}},
	gguf.TypeIQ2_XS:  {74, []int{0}},
	gguf.TypeIQ2_S:   {82, []int{0}},
	gguf.TypeIQ3_XXS: {98, []int{0}},
	gguf.TypeIQ3_S:   {110, []int{0}},
	gguf.TypeIQ4_NL:  {18, []int{0}},
	gguf.TypeIQ4_XS:  {136, []int{0}},
	gguf.TypeTQ1_0:   {54, []int{52}},
	gguf.TypeTQ2_0:   {66, []int{64}},
}

// largestHalf is the largest finite magnitude of a half-precision float,
// 65504, as bits.
const largestHalf = 0x7bff

// saturated counts the scales of a row that stand at the end of their range.
func (s scaleField) saturated(row []byte) int64 {
	var n int64
	for at := 0; at+s.block <= len(row); at += s.block {
		for _, offset := range s.offsets {
			if binary.LittleEndian.Uint16(row[at+offset:])&0x7fff == largestHalf {
				n++
			}
		}
	}
	return n
}
