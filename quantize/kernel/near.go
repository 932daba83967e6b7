package kernel

import (
	"math"
	"math/bits"
	"unsafe"
)

// maxNear is the length of the longest list that Near.Search takes.
const maxNear = 2048

// A Near finds the codes of a list that may be nearest to a group of eight
// values, under weights. A code has one of three levels for each, in two bits.
type Near struct {
	// Values are what levels stand for; Search and Few need them set.
	Values [3]float32
	// Masks has a bit for each code of the list, 32 to a word.
	Masks [maxNear / 32]uint32

	terms [32]float32
	sums  [maxNear]byte
}

type nearKernel func(x, w, values *float32, code uint32, planes *byte, blocks int, terms *float32, sums *byte, masks *uint32) bool

type fewKernel func(x, w, values *float32, point uint32, list *uint16, n int) int

// Few returns the first of the codes of a list with the least Σw(value-x)², added
// in order, if there is a kernel, and if no level is nearer than that of the point:
// codes that others outdo may be left out of the list. ListRoom more follow it.
func (s *Near) Few(x, w []float32, point uint16, list []uint16) (code uint16, ok bool) {
	if active.fewTernary == nil {
		return 0, false
	}
	_, _, _ = x[7], w[7], list[:len(list)+ListRoom]
	i := active.fewTernary(&x[0], &w[0], &s.Values[0], uint32(point), &list[0], len(list))
	if i < 0 {
		return 0, false
	}
	return list[i], true
}

// HasNear reports whether Search does anything.
func HasNear() bool { return active.nearTernary != nil }

// AppendPlanes appends a list of codes in the form that Search reads: of each
// 32, those bytes that tell the levels of the first half of the values, then the
// others. What fills the last ones up has levels that are none.
func AppendPlanes(to, codes []uint16) []uint16 {
	for ; len(codes) > 0; codes = codes[min(32, len(codes)):] {
		var low, high [32]uint16
		for i := range low {
			code := uint16(math.MaxUint16)
			if i < len(codes) {
				code = codes[i]
			}
			low[i], high[i] = code&255, code>>8
		}
		for _, plane := range [][32]uint16{low, high} {
			for i := 0; i < 32; i += 2 {
				to = append(to, plane[i]|plane[i+1]<<8) // as little-endian kernels read it
			}
		}
	}
	return to
}

// Search reports in Masks the codes of a list, which planes has, that may
// have the least Σw(value-x)²: all others have more, whatever the order of
// additions. It returns false where it does not know: there is no kernel, or
// the numbers are not for it.
func (s *Near) Search(x, w []float32, planes, list []uint16) bool {
	search := active.nearTernary
	n := len(list)
	if search == nil || n > maxNear || n == 0 {
		return false
	}
	blocks := (n + 31) / 32
	_, _, _ = x[7], w[7], planes[32*blocks-1]
	return search(&x[0], &w[0], &s.Values[0], uint32(list[0]), (*byte)(unsafe.Pointer(&planes[0])), blocks, &s.terms[0], &s.sums[0], &s.Masks[0])
}

// Nearest returns the first of the codes of the list in Masks with the least
// Σw(value-x)², added in order.
func (s *Near) Nearest(list []uint16) (code uint16) {
	code = list[0]
	least := float32(math.MaxFloat32)
	for word, set := range s.Masks[:(len(list)+31)/32] {
		for ; set != 0; set &= set - 1 {
			c := list[32*word+bits.TrailingZeros32(set)]
			if sum := s.sum(c); sum < least {
				code, least = c, sum
			}
		}
	}
	return code
}

func (s *Near) sum(code uint16) float32 {
	t := &s.terms
	sum := t[code&3<<3]
	sum += t[code>>2&3<<3|1]
	sum += t[code>>4&3<<3|2]
	sum += t[code>>6&3<<3|3]
	sum += t[code>>8&3<<3|4]
	sum += t[code>>10&3<<3|5]
	sum += t[code>>12&3<<3|6]
	return sum + t[code>>14<<3|7]
}
