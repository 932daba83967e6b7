package pickle

// opcodes are those that torch.save's protocol 2 and protocols up to 5 use for
// data (pickletools.opcodes); STOP is the loop's. What creates objects
// (NEWOBJ, INST, OBJ, EXT) is left out on purpose.
var opcodes = [256]func(*machine) error{
	0x80: skip(1), // PROTO
	0x95: skip(8), // FRAME
	'(':  constant(mark{}),
	'N':  constant(nil),
	0x88: constant(true),
	0x89: constant(false),
	')':  constant(tuple{}),
	'0':  func(m *machine) error { _, err := m.pop(); return err },
	'1':  func(m *machine) error { _, err := m.popMark(); return err },
	'2':  func(m *machine) error { v, err := m.top(); return then(err, func() error { return m.push(v) }) },

	'K':  integer(1, 64),
	'M':  integer(2, 64),
	'J':  integer(4, 32),
	0x8a: long,
	'G':  float,

	'U':  text(1), // SHORT_BINSTRING
	'T':  text(4), // BINSTRING
	'X':  text(4), // BINUNICODE
	0x8c: text(1), // SHORT_BINUNICODE
	0x8d: text(8), // BINUNICODE8
	'C':  text(1), // SHORT_BINBYTES
	'B':  text(4), // BINBYTES

	0x85: func(m *machine) error { return m.popTuple(1) },
	0x86: func(m *machine) error { return m.popTuple(2) },
	0x87: func(m *machine) error { return m.popTuple(3) },
	't':  marked((*machine).pushTuple),
	']':  constant(array{}),
	'}':  func(m *machine) error { return m.collect(new(dict), nil, m.setItems) },
	'l':  marked(func(m *machine, items []any) error { return m.collect(array{}, items, m.appendTo) }),
	'd':  marked(func(m *machine, items []any) error { return m.collect(new(dict), items, m.setItems) }),
	'a':  last(1, (*machine).appendTo),
	'e':  marked((*machine).appendTo),
	's':  last(2, (*machine).setItems),
	'u':  marked((*machine).setItems),

	'q':  indexed(1, (*machine).put),
	'r':  indexed(4, (*machine).put),
	0x94: func(m *machine) error { return m.put(int64(len(m.memo))) }, // MEMOIZE
	'h':  indexed(1, (*machine).get),
	'j':  indexed(4, (*machine).get),

	'c':  global,
	0x93: stackGlobal,
	'Q':  persistent,
	'R':  reduce,
	'b':  build,
}

func then(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

func skip(n int) func(*machine) error {
	return func(m *machine) error { _, err := m.take(n); return err }
}

func constant(v any) func(*machine) error {
	return func(m *machine) error { return m.push(v) }
}

// integer reads a number of which the top bit of so many bits is the sign.
func integer(width, bits int) func(*machine) error {
	return func(m *machine) error {
		v, err := m.natural(width)
		return then(err, func() error { return m.push(v << (64 - bits) >> (64 - bits)) })
	}
}

// long reads LONG1: a count and that many bytes in two's complement.
func long(m *machine) error {
	n, err := m.natural(1)
	if err != nil {
		return err
	}
	raw, err := m.take(int(n))
	if err != nil {
		return err
	}
	if n > 8 {
		return m.bad("a number is longer than 64 bits")
	}
	var v int64
	for i, b := range raw {
		v |= int64(b) << (8 * i)
	}
	if n > 0 {
		v = v << (64 - 8*n) >> (64 - 8*n)
	}
	return m.push(v)
}

func float(m *machine) error {
	raw, err := m.take(8)
	return then(err, func() error { return m.push(float64At(raw)) })
}

func text(width int) func(*machine) error {
	return func(m *machine) error {
		n, err := m.natural(width)
		return then(err, func() error { return m.text(n) })
	}
}

func indexed(width int, use func(*machine, int64) error) func(*machine) error {
	return func(m *machine) error {
		n, err := m.natural(width)
		return then(err, func() error { return use(m, n) })
	}
}

// marked hands over what lies above the last mark.
func marked(use func(*machine, []any) error) func(*machine) error {
	return func(m *machine) error {
		items, err := m.popMark()
		return then(err, func() error { return use(m, items) })
	}
}

// last hands over the n topmost values, valid until something is pushed there.
func last(n int, use func(*machine, []any) error) func(*machine) error {
	return func(m *machine) error {
		if n > len(m.stack) {
			return m.bad("its stack is empty")
		}
		items := m.stack[len(m.stack)-n:]
		m.stack = m.stack[:len(m.stack)-n]
		return use(m, items)
	}
}

func (m *machine) collect(container any, items []any, fill func([]any) error) error {
	if err := m.charge(64); err != nil {
		return err
	}
	return then(m.push(container), func() error { return fill(items) })
}
