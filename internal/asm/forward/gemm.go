package forward

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/f190792d/mq/internal/asm/vec"
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

// A product is a micro-kernel that is being emitted: rows × vectors of c, each
// vector in a register, over k columns of a and rows of b.
type product struct {
	rows int
	at   func(row, disp int) Mem // in a
	b    reg.Register
	sums [][vectors]vec.Reg
}

// vectors is the number of vectors of a row of c.
const vectors = 2

// begin emits the beginning of a product as specification has it. k is the number of
// columns, approach prefetches what sums are added to, and next is where the rows of the
// next tile are: they follow those of this one where the matrix is packed, and come near
// while it is computed.
func begin(name, specification string, rows int) (p *product, k reg.Register, next reg.GPVirtual, approach func()) {
	TEXT(name, NOSPLIT, "func(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)")
	Doc(fmt.Sprintf("%s computes %d rows of %d columns; see %s.", name, rows, vectors*vec.Width()/4, specification))
	Pragma("noescape")
	k = Load(Param("k"), GP64())
	a := Load(Param("a"), GP64()).(reg.GPVirtual)
	lda := Load(Param("lda"), GP64()).(reg.GPVirtual)
	p = &product{rows: rows, b: Load(Param("b"), GP64())}
	SHLQ(Imm(2), lda)
	p.at = rowPointers(rows, a, lda)
	p.zeroSums()
	approach = p.approach()
	next = GP64()
	LEAQ(p.at(rows-1, 0), next)
	ADDQ(lda, next)
	return p, k, next, approach
}

// singles emits a loop over the k columns that are left, one by one.
func (p *product) singles(k reg.Register) {
	Label("single")
	p.step(0)
	p.advance(1)
	DECQ(k)
	JNZ(LabelRef("single"))
}

// emitProduct emits a product in the instruction set of the language.
func emitProduct(name string, rows int) {
	p, k, next, approach := begin(name, "gemmGeneric", rows)
	SUBQ(Imm(unroll), k)
	JL(LabelRef("tail"))
	Label("loop")
	for line := 0; line < 4*unroll*rows; line += 64 {
		PREFETCHT0(Mem{Base: next, Disp: line})
	}
	ADDQ(Imm(uint64(4*unroll*rows)), next)
	approach()
	for i := range unroll {
		p.step(i)
	}
	p.advance(unroll)
	SUBQ(Imm(unroll), k)
	JGE(LabelRef("loop"))
	Label("tail")
	ADDQ(Imm(unroll), k)
	JZ(LabelRef("store"))
	p.singles(k)
	Label("store")
	p.write()
	VZEROUPPER()
	RET()
}

// approach returns what prefetches, each time, one row more of what the sums
// are added to at the end. All at once they would hold up the first turns.
func (p *product) approach() func() {
	row, apart, last := Load(Param("c"), GP64()), Load(Param("ldc"), GP64()), GP64()
	SHLQ(Imm(2), apart)
	IMUL3Q(Imm(uint64(p.rows-1)), apart, last)
	ADDQ(row, last)
	return func() {
		for line := 0; line < vectors*vec.Width(); line += 64 {
			PREFETCHT0(Mem{Base: row, Disp: line})
		}
		ADDQ(apart, row)
		CMPQ(row, last)
		CMOVQGT(last, row)
	}
}

func (p *product) zeroSums() {
	p.sums = make([][vectors]vec.Reg, p.rows)
	for r := range p.sums {
		for v := range vectors {
			sum := vec.Vector()
			if vec.ISA == vec.AVX512 {
				VPXORD(sum, sum, sum)
			} else {
				VXORPS(sum, sum, sum)
			}
			p.sums[r][v] = sum
		}
	}
}

// row loads the vectors of row i of b.
func (p *product) row(i int) (v [vectors]vec.Reg) {
	for n := range v {
		v[n] = vec.LoadV(Mem{Base: p.b, Disp: (i*vectors + n) * vec.Width()})
	}
	return v
}

// step adds the products of column i of a and row i of b.
func (p *product) step(i int) {
	columns := p.row(i)
	for r := range p.rows {
		x := vec.Broadcast(p.at(r, 4*i))
		for v, column := range columns {
			VFMADD231PS(column, x, p.sums[r][v])
		}
	}
}

// advance goes n columns of a and rows of b further.
func (p *product) advance(n int) {
	for row := 0; row < p.rows; row += 3 {
		ADDQ(Imm(uint64(4*n)), p.at(row, 0).Base)
	}
	ADDQ(I32(n*vectors*vec.Width()), p.b)
}

// write stores the sums in c, or adds them to it.
func (p *product) write() {
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(Imm(2), ldc)
	more := Load(Param("add"), GP8())
	TESTB(more, more)
	JZ(LabelRef("write"))
	from := GP64()
	MOVQ(c, from)
	for r := range p.rows {
		for v, sum := range p.sums[r] {
			VADDPS(Mem{Base: from, Disp: vec.Width() * v}, sum, sum)
		}
		ADDQ(ldc, from)
	}
	Label("write")
	for r := range p.rows {
		for v, sum := range p.sums[r] {
			vec.StoreV(Mem{Base: c, Disp: vec.Width() * v}, sum)
		}
		ADDQ(ldc, c)
	}
}
