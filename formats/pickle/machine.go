package pickle

import (
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/formats/fault"
)

// The values that a pickle can build here, beside string, int64, float64, bool
// and nil.
type (
	tuple []any
	array struct{}                     // nothing that tensors need is in a list: items are dropped
	dict  struct{ keys, values []any } // in the order of insertion
	name  struct{ module, name string }
	mark  struct{}
)

// machine interprets a pickle. Each of its stores is charged to a budget, so
// that no short program fills the memory.
type machine struct {
	code  []byte
	pos   int
	stack []any
	memo  map[uint32]any
	spent int
}

const (
	maxStack = 1 << 18
	maxSpent = 48 << 20 // bytes, about
)

// run executes a pickle and returns its result.
func run(code []byte) (any, error) {
	m := &machine{code: code, memo: map[uint32]any{}}
	for {
		op, err := m.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == '.' {
			return m.pop()
		}
		do := opcodes[op[0]]
		if do == nil {
			return nil, fault.Unsupported("opcode %#02x at byte %d of data.pkl is not one that tensors need", op[0], m.pos-1)
		}
		if err := do(m); err != nil {
			return nil, err
		}
	}
}

func (m *machine) bad(rule string) error {
	return fault.Corrupt("data.pkl, before byte %d: %s", m.pos, rule)
}

func (m *machine) charge(bytes int) error {
	if m.spent += bytes; m.spent > maxSpent {
		return m.bad("it builds too many values")
	}
	return nil
}

func (m *machine) take(n int) ([]byte, error) {
	if n < 0 || n > len(m.code)-m.pos {
		return nil, m.bad("it ends in the middle")
	}
	m.pos += n
	return m.code[m.pos-n : m.pos], nil
}

// natural reads a little-endian number of 1, 2, 4 or 8 bytes.
func (m *machine) natural(width int) (int64, error) {
	raw, err := m.take(width)
	if err != nil {
		return 0, err
	}
	var v uint64
	for i, b := range raw {
		v |= uint64(b) << (8 * i)
	}
	if v > math.MaxInt64 {
		return 0, m.bad("a number is out of range")
	}
	return int64(v), nil
}

func (m *machine) push(v any) error {
	if len(m.stack) == maxStack {
		return m.bad("its stack is too high")
	}
	m.stack = append(m.stack, v)
	return nil
}

func (m *machine) pop() (any, error) {
	if len(m.stack) == 0 {
		return nil, m.bad("its stack is empty")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

func (m *machine) top() (any, error) {
	v, err := m.pop()
	if err != nil {
		return nil, err
	}
	return v, m.push(v)
}

// popMark takes what lies above the last mark, and the mark. The slice
// starts one place above the mark's and so outlives one push.
func (m *machine) popMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			items := m.stack[i+1:]
			m.stack = m.stack[:i]
			return items, nil
		}
	}
	return nil, m.bad("a mark is missing")
}

func (m *machine) popTuple(n int) error {
	if n > len(m.stack) {
		return m.bad("its stack is empty")
	}
	items := m.stack[len(m.stack)-n:]
	m.stack = m.stack[:len(m.stack)-n]
	return m.pushTuple(items)
}

func (m *machine) pushTuple(items []any) error {
	if err := m.charge(48 + 16*len(items)); err != nil {
		return err
	}
	return m.push(append(tuple{}, items...))
}

func (m *machine) text(length int64) error {
	if length > int64(len(m.code)) {
		return m.bad("a string is longer than the file")
	}
	raw, err := m.take(int(length))
	if err != nil {
		return err
	}
	if err := m.charge(32 + len(raw)); err != nil {
		return err
	}
	return m.push(string(raw))
}

func (m *machine) line() (string, error) {
	for i := m.pos; i < len(m.code) && i < m.pos+1000; i++ {
		if m.code[i] == '\n' {
			s := string(m.code[m.pos:i])
			m.pos = i + 1
			return s, nil
		}
	}
	return "", m.bad("a name has no end")
}

func (m *machine) put(key int64) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	if err := m.charge(64); err != nil {
		return err
	}
	m.memo[uint32(key)] = v
	return nil
}

func (m *machine) get(key int64) error {
	v, ok := m.memo[uint32(key)]
	if !ok {
		return m.bad("it refers to a value that it did not store")
	}
	return m.push(v)
}

func (m *machine) appendTo([]any) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	if _, ok := v.(array); !ok {
		return m.bad("it appends to something that is not a list")
	}
	return nil
}

func (m *machine) setItems(items []any) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	d, ok := v.(*dict)
	if !ok || len(items)%2 != 0 {
		return m.bad("it sets items of something that is not a dictionary")
	}
	for i := 0; i < len(items); i += 2 {
		d.keys = append(d.keys, items[i])
		d.values = append(d.values, items[i+1])
	}
	return m.charge(96 * len(items)) // the slices grow by copying
}

func float64At(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }
