package block

import "github.com/f190792d/mq/quantize/kernel"

// whole lets a kernel write the blocks of n values that it can, and rest the
// others: those that are degenerate, or all where there is no kernel.
func whole(f kernel.Form, dst []byte, src []float32, n, size int, rest func(dst []byte, src []float32)) {
	for {
		done, left := kernel.Whole(f, dst, src)
		dst, src = dst[done*size:], src[done*n:]
		if left == 0 {
			return
		}
		rest(dst, src[:left*n])
		dst, src = dst[left*size:], src[left*n:]
	}
}
