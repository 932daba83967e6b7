package arch

import (
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// longest bounds every count of config.json: products of four of them still
// fit where they are multiplied with care, and no real model comes near.
const longest = 1 << 31

// reader looks keys up in layers of configurations, then in what the class
// assumes, and keeps the first error. A key with the value null counts as
// absent, and its class assumes nothing.
type reader struct {
	layers  []hf.Config
	within  string // before the keys in errors where there are no layers
	assumed hf.Config
	err     error
}

// newReader puts the text model's configuration before the root.
func newReader(config hf.Config) *reader {
	if text, ok := config.Text(); ok {
		return &reader{layers: []hf.Config{text, config}}
	}
	return &reader{layers: []hf.Config{config}}
}

// stated returns the configuration that has the first of keys that is present.
func (c *reader) stated(keys []string) (hf.Config, string, bool) {
	for _, key := range keys {
		for _, layer := range c.layers {
			if layer.Has(key) {
				return layer, key, true
			}
		}
	}
	return hf.Config{}, "", false
}

// find returns the configuration that has the first of keys that is present or
// assumed.
func (c *reader) find(keys []string) (hf.Config, string, bool) {
	if layer, key, ok := c.stated(keys); ok {
		return layer, key, true
	}
	if c.null(keys...) {
		return hf.Config{}, "", false
	}
	for _, key := range keys {
		if c.assumed.Has(key) {
			return c.assumed, key, true
		}
	}
	return hf.Config{}, "", false
}

// has reports whether one of keys is present or assumed.
func (c *reader) has(keys ...string) bool {
	_, _, ok := c.find(keys)
	return ok
}

// states reports whether one of keys is present.
func (c *reader) states(keys ...string) bool {
	_, _, ok := c.stated(keys)
	return ok
}

// null reports whether one of keys is there without a value.
func (c *reader) null(keys ...string) bool {
	for _, key := range keys {
		for _, layer := range c.layers {
			if v, ok := layer.Values()[key]; ok && v == nil {
				return true
			}
		}
	}
	return false
}

// sub returns a reader of the first of keys that is a filled object.
func (c *reader) sub(keys ...string) *reader {
	s := &reader{within: c.within + keys[0] + "."}
	for _, key := range keys {
		for _, layer := range c.layers {
			sub, ok := layer.Sub(key)
			if !ok && layer.Has(key) {
				s.keep(layer.At("arch", key).Corrupt(" is not an object"))
			}
			if ok && len(s.layers) == 0 {
				s.layers = []hf.Config{sub}
			}
		}
	}
	for _, key := range keys {
		if sub, ok := c.assumed.Sub(key); ok && len(s.layers) == 0 {
			s.layers = []hf.Config{sub}
		}
	}
	return s
}

// place is where the first of keys that is present stands, for errors; where
// none is, the first would stand there.
func (c *reader) place(keys ...string) fault.Place {
	if layer, key, ok := c.find(keys); ok {
		return layer.At("arch", key)
	}
	if len(c.layers) == 0 {
		return hf.Config{}.At("arch", c.within+keys[0])
	}
	return c.layers[0].At("arch", keys[0])
}

// keepOf keeps the error of a part.
func (c *reader) keepOf(part *reader) {
	if part.err != nil {
		c.keep(part.err)
	}
}

func (c *reader) keep(err error) {
	if c.err == nil {
		c.err = err
	}
}

// int returns a count, 0 where it is absent.
func (c *reader) int(keys ...string) int {
	layer, key, ok := c.find(keys)
	if !ok {
		return 0
	}
	n, err := layer.Int(key)
	c.keep(err)
	if err == nil && (n < 0 || n > longest) {
		c.keep(layer.At("arch", key).Corrupt("%d is out of range", n))
		return 0
	}
	return int(n)
}

// uniform returns a count that config.json states once or, alike, for every
// layer.
func (c *reader) uniform(keys ...string) int {
	layer, key, ok := c.find(keys)
	if value, _ := layer.Value(key); ok {
		if !isList(value) {
			return c.int(keys...)
		}
	}
	counts := c.ints(keys...)
	for _, n := range counts {
		if n != counts[0] {
			c.keep(c.place(keys...).Unsupported("%d and %d in different layers are not supported", counts[0], n))
		}
	}
	if len(counts) == 0 {
		return 0
	}
	return counts[0]
}

// byLayer returns a count of the first layer, and of each where config.json
// lists them and they are not all alike.
func (c *reader) byLayer(keys ...string) (int, []int) {
	if layer, key, ok := c.find(keys); ok {
		if value, _ := layer.Value(key); isList(value) {
			sizes := c.ints(keys...)
			return sizeOf(sizes, 0, 0), differing(sizes)
		}
	}
	return c.int(keys...), nil
}

func isList(value any) bool {
	_, is := value.([]any)
	return is
}

// need returns a count that must be there and positive.
func (c *reader) need(keys ...string) int {
	n := c.int(keys...)
	if n == 0 {
		c.keep(c.place(keys...).Corrupt(" is missing or 0"))
		return 1
	}
	return n
}

func (c *reader) float(keys ...string) float64 {
	layer, key, ok := c.find(keys)
	if !ok {
		return 0
	}
	x, err := layer.Float(key)
	c.keep(err)
	return x
}

// amount returns a number that is not negative.
func (c *reader) amount(keys ...string) float64 {
	x := c.float(keys...)
	if x < 0 {
		c.keep(c.place(keys...).Corrupt("%v is negative", x))
		return 0
	}
	return x
}

func (c *reader) bool(keys ...string) bool {
	layer, key, ok := c.find(keys)
	if !ok {
		return false
	}
	b, err := layer.Bool(key)
	c.keep(err)
	return b
}

func (c *reader) string(keys ...string) string {
	layer, key, ok := c.find(keys)
	if !ok {
		return ""
	}
	s, err := layer.String(key)
	c.keep(err)
	return s
}

// ints returns a list of counts.
func (c *reader) ints(keys ...string) []int {
	layer, key, ok := c.find(keys)
	if !ok {
		return nil
	}
	items, err := layer.Ints(key)
	c.keep(err)
	counts := make([]int, len(items))
	for i, n := range items {
		if n < 0 || n > longest {
			c.keep(layer.At("arch", key).Corrupt("%d is out of range", n))
			return nil
		}
		counts[i] = int(n)
	}
	return counts
}

// floats returns a list of numbers.
func (c *reader) floats(keys ...string) []float64 {
	layer, key, ok := c.find(keys)
	if !ok {
		return nil
	}
	items, err := layer.Floats(key)
	c.keep(err)
	return items
}

// strings returns a list of names.
func (c *reader) strings(keys ...string) []string {
	layer, key, ok := c.find(keys)
	if !ok {
		return nil
	}
	names, err := layer.Strings(key)
	c.keep(err)
	return names
}
