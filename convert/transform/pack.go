package transform

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// The layout of an MXFP4 block: the exponent that its numbers share, then
// their codes. (OCP Microscaling Formats 1.0.)
const (
	mxNumbers = 32
	mxBytes   = 1 + mxNumbers/2
)

// MXFP4 packs numbers of 4 bits and the exponents that 32 of them share into
// the blocks of a file: the bits only move. In a byte of codes the number with
// the even index has the low half; in a block it is number j beside j + 16.
// The result counts bytes, so that its rows are encoded rows.
func MXFP4(codes, exponents Rows) Rows {
	blocks := codes.Columns * 2 / mxNumbers
	out := Rows{DType: dtype.U8, Columns: blocks * mxBytes, Count: codes.Count}
	if codes.Columns*2%mxNumbers != 0 || exponents.Columns != blocks || exponents.Count != codes.Count {
		return fail(out, fault.Op("transform").Invalid("%d×%d exponents for %d×%d pairs of 4-bit numbers", exponents.Count, exponents.Columns, codes.Count, codes.Columns))
	}
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		raw := make([]byte, codes.Columns+blocks)
		return eachRow(ctx, p, off, out.Columns, func(row, within int64, dst []byte) error {
			if err := codes.Read(ctx, raw[:codes.Columns], row*codes.Columns); err != nil {
				return err
			}
			if err := exponents.Read(ctx, raw[codes.Columns:], row*blocks); err != nil {
				return err
			}
			whole := dst
			if int64(len(dst)) != out.Columns {
				whole = make([]byte, out.Columns)
			}
			for b := range blocks {
				packBlock(whole[b*mxBytes:(b+1)*mxBytes], raw[b*mxNumbers/2:], raw[codes.Columns+b])
			}
			if len(whole) != len(dst) {
				copy(dst, whole[within:])
			}
			return nil
		})
	}
	return out
}

// packBlock fills a block from its codes, two in a byte.
func packBlock(dst, codes []byte, exponent byte) {
	const half = mxNumbers / 2
	number := func(j int) byte { return codes[j/2] >> (j % 2 * 4) & 15 }
	dst[0] = exponent
	for j := range half {
		dst[1+j] = number(j) | number(j+half)<<4
	}
}

// Int32 narrows whole numbers of 64 bits. One that does not fit is an error.
func Int32(r Rows) Rows {
	out := r
	out.DType = dtype.I32
	if r.DType == dtype.I32 {
		return out
	}
	if r.DType != dtype.I64 {
		return fail(out, fault.Op("transform").Invalid("elements of type %v are not whole numbers of 64 bits", r.DType))
	}
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		wide := make([]byte, 2*len(p))
		if err := r.Read(ctx, wide, 2*off); err != nil {
			return err
		}
		for i := 0; i < len(p); i += 4 {
			n := int64(binary.LittleEndian.Uint64(wide[2*i:]))
			if n < math.MinInt32 || n > math.MaxInt32 {
				return fault.Op("transform").Corrupt("%d does not fit into 32 bits", n)
			}
			binary.LittleEndian.PutUint32(p[i:], uint32(int32(n)))
		}
		return nil
	}
	return out
}
