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
		g.keep(fault.Corrupt("gguf: key %q is not a count", g.prefix+key))
		return 0
	}
	return int(n)
}

func (g *fileReader) need(key string) int {
	n := g.int(key)
	if n == 0 {
		g.keep(fault.Corrupt("gguf: key %q is missing or 0", g.prefix+key))
		return 1
	}
	return n
}

func (g *fileReader) float(key string) float64 {
	x, _ := g.kvs.Float(g.prefix + key)
	return x
}

func (g *fileReader) keep(err error) {
	if g.err == nil {
		g.err = err
	}
}
