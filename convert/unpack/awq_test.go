package unpack

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestNibblesAreTurned(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int64{8, 16, 24, 32, 40} {
		for _, count := range []int64{1, 7, 8, 9, 64, 128, 131, 136, 300} {
			words, dst := make([]byte, n*count/2), make([]byte, n*count)
			for i := range words {
				words[i] = byte(r.Uint32())
			}
			turnedNibbles(dst, words, n, count)
			for row := range n {
				for k := range count {
					w := binary.LittleEndian.Uint32(words[k*n/2+row/8*4:])
					at := [8]int{0, 4, 1, 5, 2, 6, 3, 7}[row%8] // of AutoAWQ's order
					if got, want := dst[row*count+k], byte(w>>(4*at)&15); got != want {
						t.Fatalf("%d rows of %d: row %d, column %d is %d, want %d", n, count, row, k, got, want)
					}
				}
			}
		}
	}
}

func BenchmarkTurned(b *testing.B) {
	for _, count := range []int64{2048, 8192} {
		words, dst := make([]byte, 16*count), make([]byte, 32*count)
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			b.SetBytes(32 * count)
			for b.Loop() {
				turnedNibbles(dst, words, 32, count)
			}
		})
	}
}
