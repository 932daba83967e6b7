package kernel

// decoder turns n blocks into float32.
type decoder struct {
	values, bytes int // of a block
	run           func(dst *float32, src *byte, n int)
}

// Decoder returns a decoder of the ggml type of that name which gives the
// values of plain, faster where the processor can. Both fill dst from the
// whole blocks of src that hold as many values.
func Decoder(name string, plain func(dst []float32, src []byte)) func(dst []float32, src []byte) {
	d, ok := active.decode[name]
	if !ok {
		return plain
	}
	return func(dst []float32, src []byte) {
		if n := min(len(dst)/d.values, len(src)/d.bytes); n > 0 {
			d.run(&dst[0], &src[0], n)
			dst, src = dst[n*d.values:], src[n*d.bytes:]
		}
		if len(dst) > 0 {
			plain(dst, src)
		}
	}
}
