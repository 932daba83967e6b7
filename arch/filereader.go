package arch

import (
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// fileReader looks keys up below an architecture's prefix and keeps the first
// error.
type fileReader struct {
	kvs    gguf.KVs
	prefix string
	err    error
}

// int returns a count, 0 where it is absent.
func (g *fileReader) int(key string) int {
	if !g.kvs.Has(g.prefix + key) {
		return 0
	}
	n, ok := g.kvs.Uint(g.prefix + key)
	if !ok || n > longest {
		g.keep(g.place(key).Corrupt(" is not a count"))
		return 0
	}
	return int(n)
}

// byLayer returns a count of the first layer, and of each where a file lists
// them and they are not all alike.
func (g *fileReader) byLayer(key string) (int, []int) {
	listed, ok := g.kvs.Ints(g.prefix + key)
	if !ok || len(listed) == 0 {
		return g.int(key), nil
	}
	sizes := make([]int, len(listed))
	for i, n := range listed {
		if sizes[i] = int(n); n < 0 || n > longest {
			g.keep(g.place(key).Corrupt("%d is out of range", n))
			return 0, nil
		}
	}
	return sizes[0], differing(sizes)
}

func (g *fileReader) need(key string) int {
	n := g.int(key)
	if n == 0 {
		g.keep(g.place(key).Corrupt(" is missing or 0"))
		return 1
	}
	return n
}

// place is where a key stands, for errors.
func (g *fileReader) place(key string) fault.Place { return fault.Op("arch").Key(g.prefix + key) }

func (g *fileReader) float(key string) float64 {
	x, _ := g.kvs.Float(g.prefix + key)
	return x
}

// amount returns a number that is not negative.
func (g *fileReader) amount(key string) float64 {
	x := g.float(key)
	if x < 0 {
		g.keep(g.place(key).Corrupt("%v is negative", x))
		return 0
	}
	return x
}

func (g *fileReader) keep(err error) {
	if g.err == nil {
		g.err = err
	}
}
