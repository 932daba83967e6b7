package eval

// twister is the 32-bit Mersenne Twister (Matsumoto and Nishimura 1998), which
// llama-perplexity selects tasks with.
type twister struct {
	state [624]uint32
	next  int
}

func newTwister(seed uint32) *twister {
	t := &twister{next: 624}
	t.state[0] = seed
	for i := 1; i < 624; i++ {
		t.state[i] = 1812433253*(t.state[i-1]^t.state[i-1]>>30) + uint32(i)
	}
	return t
}

// uint32 returns the next number of the sequence.
func (t *twister) uint32() uint32 {
	if t.next == 624 {
		for i := range t.state {
			y := t.state[i]&0x80000000 | t.state[(i+1)%624]&0x7fffffff
			t.state[i] = t.state[(i+397)%624] ^ y>>1 ^ y&1*0x9908b0df
		}
		t.next = 0
	}
	y := t.state[t.next]
	t.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// below returns a number below n, drawn as the C++ library of GCC does
// (Lemire 2019, arXiv:1805.10941).
func (t *twister) below(n uint32) uint32 {
	product := uint64(t.uint32()) * uint64(n)
	if uint32(product) < n {
		for threshold := -n % n; uint32(product) < threshold; {
			product = uint64(t.uint32()) * uint64(n)
		}
	}
	return uint32(product >> 32)
}

// sample draws count of n tasks without replacement, by the rule of
// llama-perplexity's winogrande and multiple-choice scores.
func (t *twister) sample(n, count int) []int {
	left := make([]int, n)
	for i := range left {
		left[i] = i
	}
	const scale = float32(1) / (1 + float32(1<<32-1))
	drawn := make([]int, 0, count)
	for range count {
		j := min(int(float32(scale*float32(t.uint32()))*float32(len(left))), len(left)-1)
		drawn = append(drawn, left[j])
		left[j] = left[len(left)-1]
		left = left[:len(left)-1]
	}
	return drawn
}
