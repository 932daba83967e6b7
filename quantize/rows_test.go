package quantize

import "math"

// The rows of internal/fixtures/blocks/generate.py, made of integers and of
// exact float operations so that both give the same bits.

// rowLengths is how many rows of each length a distribution has.
var rowLengths = []struct{ columns, rows int }{{256, 6}, {512, 4}, {1280, 2}, {4096, 1}}

// splitmix is the output function of splitmix64.
func splitmix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func stream(seed, n int) []uint64 {
	start := splitmix(uint64(seed))
	words := make([]uint64, n)
	for i := range words {
		words[i] = splitmix(start + uint64(i+1)*0x9e3779b97f4a7c15)
	}
	return words
}

// bell is the sum of four uniform 16-bit numbers, in [-1, 1).
func bell(u uint64) float32 {
	sum := -131072
	for k := range 4 {
		sum += int(u >> (16 * k) & 0xffff)
	}
	return float32(sum) * 0x1p-17
}

func uniform(u uint64) float32 { return float32(u>>40) * 0x1p-24 }

func power(e int) float32 { return float32(math.Ldexp(1, e)) }

// negate gives -x where the lowest bit is set.
func negate(x float32, u uint64) float32 {
	return math.Float32frombits(math.Float32bits(x) ^ uint32(u&1)<<31)
}

func nearConstant(bits uint32) func(uint64) float32 {
	return func(u uint64) float32 { return math.Float32frombits(bits + uint32(u&3)) }
}

func scaled(scale float32) func(uint64) float32 {
	return func(u uint64) float32 { return bell(u) * scale }
}

// distributions, in the generator's order. by is 0, or the length of blocks
// whose first word of the stream is given to every value as lead.
var distributions = []struct {
	name  string
	by    int
	value func(u, lead uint64) float32
}{
	{"bell", 0, each(bell)},
	{"uniform", 0, each(func(u uint64) float32 { return negate(uniform(u), u) })},
	{"heavy", 0, each(func(u uint64) float32 { return bell(u) * power(-int(u&7)) })},
	{"positive", 0, each(uniform)},
	{"negative", 0, each(func(u uint64) float32 { return -uniform(u) })},
	{"offset", 0, each(func(u uint64) float32 { return 3 + float32(bell(u)*0x1p-4) })},
	{"offset_down", 0, each(func(u uint64) float32 { return -3 + float32(bell(u)*0x1p-4) })},
	{"sparse", 0, each(func(u uint64) float32 {
		if u&15 == 0 {
			return bell(u)
		}
		return negate(0, u>>8)
	})},
	{"zero", 0, each(func(u uint64) float32 { return negate(0, u) })},
	{"constant", math.MaxInt, func(_, lead uint64) float32 { return bell(lead) }},
	{"near_constant", 0, each(nearConstant(0x3f800000))},
	{"near_constant_down", 0, each(nearConstant(0xbf800000))},
	{"ties", 0, each(func(u uint64) float32 { return float32(int(u&31)-16) * 0.5 })},
	{"ternary", 0, each(func(u uint64) float32 { return float32(int(u%3)-1) * 0.03125 })},
	{"powers", 0, each(func(u uint64) float32 {
		exponent, ulps := 120+uint32(u>>8&15), uint32(u>>16&7)
		return negate(math.Float32frombits(exponent<<23+ulps-4), u)
	})},
	{"scattered", 0, each(func(u uint64) float32 { return bell(u) * power(int(u&31)-16) })},
	{"dead_32", 32, dead(3)},
	{"dead_256", 256, dead(1)},
	{"uneven", 16, func(u, lead uint64) float32 { return bell(u) * power(int(lead&15)-12) }},
	{"bf16", 0, each(func(u uint64) float32 { return math.Float32frombits(math.Float32bits(bell(u)) & 0xffff0000) })},
	{"small", 0, each(scaled(0x1p-14))},
	{"negligible", 0, each(scaled(0x1p-49))},
	{"tiny", 0, each(scaled(0x1p-100))},
	{"denormal", 0, each(func(u uint64) float32 { return negate(math.Float32frombits(uint32(u>>1&0x7fffff)), u) })},
	{"large", 0, each(scaled(0x1p14))},
	{"huge", 0, each(scaled(0x1p40))},
	{"any", 0, each(func(u uint64) float32 {
		return negate(math.Float32frombits(uint32(u>>1&0x7fffffff)%0x7f800000), u)
	})},
}

func each(value func(uint64) float32) func(u, lead uint64) float32 {
	return func(u, _ uint64) float32 { return value(u) }
}

// dead zeroes the blocks whose lead has no bit of mask.
func dead(mask uint64) func(u, lead uint64) float32 {
	return func(u, lead uint64) float32 {
		if lead&mask == 0 {
			return 0
		}
		return bell(u)
	}
}

// makeRow is row r of so many columns of distribution d.
func makeRow(d, columns, r int) []float32 {
	words := stream(d<<32|columns<<8|r, columns)
	x := make([]float32, columns)
	by := max(distributions[d].by, 1)
	for i, u := range words {
		x[i] = distributions[d].value(u, words[i/by*by])
	}
	return x
}

// makeWeights is the importance of the columns of row r: spread over eight
// binades, and zero for one in 32.
func makeWeights(columns, r int) []float32 {
	w := make([]float32, columns)
	for i, u := range stream(columns<<8|r, columns) {
		if u>>8&31 != 0 {
			w[i] = (uniform(u) + 0x1p-24) * power(int(u&7))
		}
	}
	return w
}
