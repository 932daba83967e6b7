package kernel

import "math"

// An Order sorts 32 values.
type Order struct {
	// Numbers are those of the values in ascending order; equal values keep
	// theirs, and a negative zero is no less than another.
	Numbers [splitLen]uint32

	ranks [splitLen]uint32
	keys  [splitLen]uint64
}

// Sort sorts values.
func (o *Order) Sort(x []float32) {
	x = x[:splitLen]
	if active.ranks == nil {
		o.sort(x)
		return
	}
	active.ranks(&o.ranks[0], &x[0])
	clear(o.Numbers[:]) // for NaN, which has no rank
	for k, rank := range &o.ranks {
		o.Numbers[rank&31] = uint32(k)
	}
}

// sort puts the numbers of values in the lower halves of keys.
func (o *Order) sort(x []float32) {
	for i, v := range x {
		if v == 0 {
			v = 0
		}
		bits := math.Float32bits(v)
		if bits>>31 != 0 {
			bits = ^bits
		} else {
			bits |= 1 << 31
		}
		o.keys[i] = uint64(bits)<<32 | uint64(i)
	}
	for _, pair := range network {
		i, j := pair[0]&31, pair[1]&31
		a, b := o.keys[i], o.keys[j]
		o.keys[i], o.keys[j] = min(a, b), max(a, b)
	}
	for i, key := range &o.keys {
		o.Numbers[i] = uint32(key)
	}
}

// network sorts 32 values by comparing fixed pairs, without a branch
// to mispredict: Batcher's merge exchange (Knuth, TAOCP 5.2.2, algorithm M).
var network = mergeExchange(splitLen)

func mergeExchange(n int) (pairs [][2]uint8) {
	for p := n / 2; p > 0; p /= 2 {
		for q, r, d := n/2, 0, p; ; q, r, d = q/2, p, q-p {
			for i := range n - d {
				if i&p == r {
					pairs = append(pairs, [2]uint8{uint8(i), uint8(i + d)})
				}
			}
			if q == p {
				break
			}
		}
	}
	return pairs
}
