package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// unroll is the number of columns that one turn of a product's loop takes.
const unroll = 4

// rowPointers loads the base of every third row, from which the addressing
// modes reach three rows each: base, base+lda, base+2·lda.
func rowPointers(rows int, a, lda reg.GPVirtual) func(row, disp int) Mem {
	bases := []reg.Register{a}
	for row := 3; row < rows; row += 3 {
		base := GP64()
		LEAQ(Mem{Base: bases[len(bases)-1], Index: lda, Scale: 2}, base)
		ADDQ(lda, base)
		bases = append(bases, base)
	}
	return func(row, disp int) Mem {
		m := Mem{Base: bases[row/3], Disp: disp}
		if row%3 > 0 {
			m.Index, m.Scale = lda, uint8(row%3)
		}
		return m
	}
}

// product emits one micro-kernel: rows × (vectors·lanes) elements of c, each
// in a register, over k columns of a and rows of b.
func product(name string, rows, vectors, lanes int, vector func() reg.VecVirtual,
	load, zero, add func(...Op), fma func(...Op)) {
	TEXT(name, NOSPLIT, "func(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)")
	Doc(fmt.Sprintf("%s computes %d rows of %d columns; see gemmGeneric.", name, rows, vectors*lanes))
	Pragma("noescape")
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64()).(reg.GPVirtual)
	lda := Load(Param("lda"), GP64()).(reg.GPVirtual)
	b := Load(Param("b"), GP64())
	SHLQ(Imm(2), lda)
	at := rowPointers(rows, a, lda)
	bases := []reg.Register{}
	for row := 0; row < rows; row += 3 {
		bases = append(bases, at(row, 0).Base)
	}

	// What the sums are added to at the end comes near meanwhile.
	near, apart := Load(Param("c"), GP64()), Load(Param("ldc"), GP64())
	SHLQ(Imm(2), apart)
	for r := range rows {
		for line := 0; line < 4*lanes*vectors; line += 64 {
			PREFETCHT0(Mem{Base: near, Disp: line})
		}
		if r < rows-1 {
			ADDQ(apart, near)
		}
	}

	sums := make([][]reg.VecVirtual, rows)
	for r := range sums {
		sums[r] = make([]reg.VecVirtual, vectors)
		for v := range sums[r] {
			sums[r][v] = vector()
			zero(sums[r][v], sums[r][v], sums[r][v])
		}
	}
	width := 4 * lanes * vectors
	step := func(i int) {
		var columns []reg.VecVirtual
		for v := range vectors {
			column := vector()
			load(Mem{Base: b, Disp: i*width + v*4*lanes}, column)
			columns = append(columns, column)
		}
		for r := range rows {
			x := vector()
			VBROADCASTSS(at(r, 4*i), x)
			for v := range vectors {
				fma(columns[v], x, sums[r][v])
			}
		}
	}
	// The rows of the next tile follow those of this one where the matrix is
	// packed: while this tile is computed, they come near.
	next := GP64()
	LEAQ(at(rows-1, 0), next)
	ADDQ(lda, next)
	prefetch := func() {
		for line := 0; line < 4*unroll*rows; line += 64 {
			PREFETCHT0(Mem{Base: next, Disp: line})
		}
		ADDQ(Imm(uint64(4*unroll*rows)), next)
	}
	advance := func(n int) {
		for _, base := range bases {
			ADDQ(Imm(uint64(4*n)), base)
		}
		ADDQ(I32(n*width), b)
	}

	SUBQ(Imm(unroll), k)
	JL(LabelRef("tail"))
	Label("loop")
	prefetch()
	for i := range unroll {
		step(i)
	}
	advance(unroll)
	SUBQ(Imm(unroll), k)
	JGE(LabelRef("loop"))
	Label("tail")
	ADDQ(Imm(unroll), k)
	JZ(LabelRef("store"))
	Label("single")
	step(0)
	advance(1)
	DECQ(k)
	JNZ(LabelRef("single"))

	Label("store")
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(Imm(2), ldc)
	more := Load(Param("add"), GP8())
	TESTB(more, more)
	JZ(LabelRef("write"))
	from := GP64()
	MOVQ(c, from)
	for r := range rows {
		for v := range vectors {
			add(Mem{Base: from, Disp: 4 * lanes * v}, sums[r][v], sums[r][v])
		}
		ADDQ(ldc, from)
	}
	Label("write")
	for r := range rows {
		for v := range vectors {
			load(sums[r][v], Mem{Base: c, Disp: 4 * lanes * v})
		}
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}

func gemmAVX2(rows int) {
	product(fmt.Sprintf("gemm%dx16", rows), rows, 2, 8, YMM,
		func(ops ...Op) { VMOVUPS(ops[0], ops[1]) },
		func(ops ...Op) { VXORPS(ops[0], ops[1], ops[2]) },
		func(ops ...Op) { VADDPS(ops[0], ops[1], ops[2]) },
		func(ops ...Op) { VFMADD231PS(ops[0], ops[1], ops[2]) })
}

func gemmAVX512(rows int) {
	product(fmt.Sprintf("gemm%dx32", rows), rows, 2, 16, ZMM,
		func(ops ...Op) { VMOVUPS(ops[0], ops[1]) },
		func(ops ...Op) { VPXORD(ops[0], ops[1], ops[2]) },
		func(ops ...Op) { VADDPS(ops[0], ops[1], ops[2]) },
		func(ops ...Op) { VFMADD231PS(ops[0], ops[1], ops[2]) })
}
