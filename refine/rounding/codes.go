package rounding

import (
	"sort"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/quantize/block"
)

// Codes are those of a matrix.
type Codes struct {
	Rows, Columns int

	typ  quantize.Type
	grid *block.Grid
	levels
	d, dmin []float32 // [rows, columns / grid.Block]
	scale   []int32   // [rows, columns / grid.Sub]
	min     []int32
	code    []uint8 // [rows, columns]
}

// Parse takes the blocks of a matrix apart, whose type has a grid.
func Parse(typ quantize.Type, rows, columns int, data []byte) *Codes {
	g := typ.Grid
	c := &Codes{
		Rows: rows, Columns: columns, typ: typ, grid: g, levels: levelsOf(g.Levels),
		d: make([]float32, rows*columns/g.Block), dmin: make([]float32, rows*columns/g.Block),
		scale: make([]int32, rows*columns/g.Sub), min: make([]int32, rows*columns/g.Sub),
		code: make([]uint8, rows*columns),
	}
	var b block.Codes
	per := g.Block / g.Sub
	for i := range c.d {
		g.Unpack(&b, data[i*typ.Bytes:][:typ.Bytes])
		c.d[i], c.dmin[i] = b.D, b.DMin
		copy(c.scale[i*per:(i+1)*per], b.Scale[:])
		copy(c.min[i*per:(i+1)*per], b.Min[:])
		copy(c.code[i*g.Block:(i+1)*g.Block], b.Level[:])
	}
	return c
}

// Bytes returns the blocks as a file holds them.
func (c *Codes) Bytes() []byte {
	out := make([]byte, len(c.d)*c.typ.Bytes)
	var b block.Codes
	per := c.grid.Block / c.grid.Sub
	for i := range c.d {
		b.D, b.DMin = c.d[i], c.dmin[i]
		copy(b.Scale[:], c.scale[i*per:(i+1)*per])
		copy(b.Min[:], c.min[i*per:(i+1)*per])
		copy(b.Level[:], c.code[i*c.grid.Block:(i+1)*c.grid.Block])
		c.grid.Pack(out[i*c.typ.Bytes:][:c.typ.Bytes], &b)
	}
	return out
}

// step is what the codes of a sub-block stand for: scale·level + offset.
type step struct{ scale, inverse, offset float32 }

func (c *Codes) newStep(d float32, scale int32, dmin float32, minimum int32) step {
	s := step{scale: d * c.scaleOf(scale), offset: -float32(dmin * float32(minimum))}
	if s.scale != 0 {
		s.inverse = 1 / s.scale
	}
	return s
}

func (s step) value(level float32) float32 { return float32(s.scale*level) + s.offset }

// stepOf returns the step of a sub-block, counted over the whole matrix.
func (c *Codes) stepOf(sub int) step {
	b := sub * c.grid.Sub / c.grid.Block
	return c.newStep(c.d[b], c.scale[sub], c.dmin[b], c.min[sub])
}

// Values fills dst, [rows, columns], with what the codes stand for.
func (c *Codes) Values(dst []float32) {
	for sub := range c.scale {
		s := c.stepOf(sub)
		for i := sub * c.grid.Sub; i < (sub+1)*c.grid.Sub; i++ {
			dst[i] = s.value(c.values[c.code[i]])
		}
	}
}

// fixed reports whether sub-blocks have no scales of their own.
func (c *Codes) fixed() bool { return c.grid.ScaleLow == c.grid.ScaleHigh }

// whole reports whether that of a block is all there is, and it has more columns
// than are searched at once.
func (c *Codes) whole() bool { return c.fixed() && c.grid.Sub < c.grid.Block }

// scaleOf is what a scale stands for.
func (c *Codes) scaleOf(scale int32) float32 {
	if c.grid.Scales == nil {
		return float32(scale)
	}
	return c.grid.Scales[scale]
}

// below returns how far from a scale the last is that does not exceed what it
// stands for and more.
func (c *Codes) below(scale int32, more float32) int32 {
	if c.grid.Scales == nil {
		return c.scaleStep() * floor(more/float32(c.scaleStep()))
	}
	at := sort.Search(len(c.grid.Scales), func(i int) bool { return c.grid.Scales[i] > c.grid.Scales[scale]+more })
	return int32(max(at-1, 0)) - scale
}

// scaleStep is how far scales are apart.
func (c *Codes) scaleStep() int32 { return max(1, c.grid.ScaleStep) }

// toHalf rounds to what a file holds of d.
func toHalf(f float32) float32 { return dtype.F16ToF32(dtype.F32ToF16(f)) }

// levels finds the nearest of the values that codes stand for.
type levels struct {
	values    []float32
	even      bool // whole numbers from low to high
	low, high float32
	lowest    int32     // low, where they are whole
	between   []float32 // midpoints
}

// toWhole added and taken away again rounds small numbers to whole ones, of two
// equally near ones to the even one.
const toWhole = 3 << 22

func levelsOf(values []float32) levels {
	l := levels{values: values, even: true, low: values[0], high: values[len(values)-1], lowest: int32(values[0])}
	for i := 1; i < len(values); i++ {
		l.even = l.even && values[i] == values[i-1]+1
		l.between = append(l.between, (values[i]+values[i-1])/2)
	}
	return l
}

// nearest returns the code of the level nearest to x.
func (l *levels) nearest(x float32) uint8 {
	if l.even {
		if !(x > l.low) {
			return 0
		}
		if x > l.high {
			x = l.high
		}
		return uint8(int32(float32(x)+toWhole-toWhole) - l.lowest)
	}
	low, high := 0, len(l.between)
	for low < high {
		if middle := (low + high) / 2; x > l.between[middle] {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return uint8(low)
}
