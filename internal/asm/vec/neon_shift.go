package vec

import "fmt"

// The size of elements and the shift share bits 16 to 22 of an instruction, so that no
// shift to the right is by 0: that is one of larger elements.

// rightBy completes a shift of elements of so many bits to the right.
func rightBy(op uint32, bits, n int) uint32 { return shifted(op, bits, n, bits-n) }

// leftBy completes one to the left.
func leftBy(op uint32, bits, n int) uint32 { return shifted(op, bits, n, n) }

func shifted(op uint32, bits, n, code int) uint32 {
	if n <= 0 || n >= bits {
		panic(fmt.Sprintf("elements of %d bits are not shifted by %d", bits, n))
	}
	return op | uint32(bits+code)<<16
}
