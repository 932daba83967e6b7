package tokenizer

import (
	"bytes"
	"encoding/binary"

	"github.com/f190792d/mq/formats/fault"
)

// charsmap is SentencePiece's precompiled normalization: a double array over
// the bytes of what is replaced (Kanda et al. 2017, as in the Darts-clone
// library), and the replacements, each ended by a zero byte.
type charsmap struct {
	units []uint32
	text  []byte
}

// newCharsmap reads the blob of a SentencePiece model: the size of the array
// in bytes, the array, the replacements.
func newCharsmap(blob []byte) (*charsmap, error) {
	if len(blob) == 0 {
		return nil, nil
	}
	if len(blob) < 4 {
		return nil, fault.Op("tokenizer").Corrupt("precompiled charsmap has no header")
	}
	size := uint64(binary.LittleEndian.Uint32(blob))
	if size%4 != 0 || size+4 >= uint64(len(blob)) {
		return nil, fault.Op("tokenizer").Corrupt("precompiled charsmap of %d bytes claims an array of %d", len(blob), size)
	}
	m := &charsmap{units: make([]uint32, size/4), text: blob[4+size:]}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(blob[4+4*i:])
	}
	if m.text[len(m.text)-1] != 0 {
		return nil, fault.Op("tokenizer").Corrupt("precompiled charsmap ends within a replacement")
	}
	for text := m.text; len(text) > 0; {
		n := bytes.IndexByte(text, 0)
		if n > maxReplacement {
			return nil, fault.Op("tokenizer").Corrupt("precompiled charsmap has a replacement of %d bytes", n)
		}
		text = text[n+1:]
	}
	return m, nil
}

// maxReplacement bounds how much longer normalization can make a text.
const maxReplacement = 1 << 10

// longest returns how many bytes of s the longest entry covers (0: none) and
// what replaces them.
func (m *charsmap) longest(s string) (n int, with string) {
	if m == nil || len(m.units) == 0 {
		return 0, ""
	}
	base := func(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
	node := base(m.units[0])
	found := -1
	for i := 0; i < len(s) && s[i] != 0; i++ {
		node ^= uint32(s[i])
		if uint64(node) >= uint64(len(m.units)) {
			break
		}
		unit := m.units[node]
		if unit&(1<<31|0xFF) != uint32(s[i]) {
			break
		}
		node ^= base(unit)
		if unit>>8&1 == 1 && uint64(node) < uint64(len(m.units)) {
			if at := m.units[node] &^ (1 << 31); uint64(at) < uint64(len(m.text)) {
				n, found = i+1, int(at)
			}
		}
	}
	if found < 0 {
		return 0, ""
	}
	end := bytes.IndexByte(m.text[found:], 0)
	return n, string(m.text[found : found+end])
}
