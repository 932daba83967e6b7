package search

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// loadTile emits the transposition of groups into lanes, in squares of 8×8.
func loadTile(name string) {
	Begin(name, "func(t, x *float32, halves, n int)", name+" puts group j of n values, a multiple of 8, into lane j; a half has 16 groups.")
	t, x, octets, n := Argument("t"), Argument("x"), Argument("halves"), Argument("n")
	Times(octets, 1)
	Times(n, 2)
	var rows func() (at func(i, disp int) Mem, next, octet func())
	if ISA == NEON {
		rows = pointedRows(x, n)
	} else {
		rows = scaledRows(x, n)
	}
	to, left := GP64(), GP64()

	Mark("octet")
	Move64(to, t)
	Move64(left, n)
	at, next, octet := rows()
	for half := range 2 {
		for part := range 32 / Width() {
			for i, column := range Columns(at, part, 16*half) {
				StoreV(Mem{Base: to, Disp: row*(4*half+i) + Width()*part}, column)
			}
		}
	}
	next()
	Advance(to, 8*row)
	CountDownBy(left, 32, "square")
	octet()
	Advance(t, 32)
	CountDown(octets, "octet")
	End()
}

// scaledRows reaches eight rows by the addresses of x86. It marks the square,
// and returns what turns to the next square and the next octet.
func scaledRows(x, n reg.GPVirtual) func() (at func(i, disp int) Mem, next, octet func()) {
	triple := GP64()
	LEAQ(Mem{Base: n, Index: n, Scale: 2}, triple)
	return func() (at func(i, disp int) Mem, next, octet func()) {
		Mark("square")
		far := GP64()
		LEAQ(Mem{Base: x, Index: n, Scale: 4}, far)
		at = func(i, disp int) Mem {
			base := x
			if i >= 4 {
				base = far
			}
			switch i % 4 {
			case 0:
				return Mem{Base: base, Disp: disp}
			case 3:
				return Mem{Base: base, Index: triple, Scale: 1, Disp: disp}
			}
			return Mem{Base: base, Index: n, Scale: uint8(i % 4), Disp: disp}
		}
		return at, func() { Advance(x, 32) }, func() {
			// x is now at row 1 of this octet: seven rows more to the next.
			LEAQ(Mem{Base: x, Index: triple, Scale: 2}, x)
			ADDQ(n, x)
		}
	}
}

// pointedRows is scaledRows with a pointer to each row.
func pointedRows(x, n reg.GPVirtual) func() (at func(i, disp int) Mem, next, octet func()) {
	var rows [8]reg.GPVirtual
	for i := range rows {
		rows[i] = GP64()
	}
	return func() (at func(i, disp int) Mem, next, octet func()) {
		Move64(rows[0], x)
		for i := 1; i < len(rows); i++ {
			Move64(rows[i], rows[i-1])
			Increase(rows[i], n)
		}
		Mark("square")
		at = func(i, disp int) Mem { return Mem{Base: rows[i], Disp: disp} }
		next = func() {
			for _, r := range rows {
				Advance(r, 32)
			}
		}
		return at, next, func() { Move64(x, rows[7]) } // the end of the last row
	}
}
