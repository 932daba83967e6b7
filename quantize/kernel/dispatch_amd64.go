//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

var avx2 = variant{
	name:              "avx2",
	load:              loadAVX2,
	weigh:             [...]func(*float32, int){weighSquaresAVX2, weighMagnitudesAVX2, weighSpreadAVX2, weighGivenAVX2},
	searchMin:         searchMinAVX2,
	searchMinAbsolute: searchMinAbsoluteAVX2,
	searchScale:       searchScaleAVX2,
	searchPositive:    searchPositiveAVX2,
	descend:           descendAVX2,
	divide:            divideAVX2,
	multiply:          multiplyAVX2,
	halfUp:            halfUpAVX2,
	away:              awayAVX2,
	extremes:          extremesAVX2,
	bounds:            boundsAVX2,
	greatest16:        greatest16AVX2,
	greatest32:        greatest32AVX2,
}

// variants returns the kernels that this processor runs, the best first.
func variants() []variant {
	if cpu.X86.HasAVX2 {
		return []variant{avx2, pure}
	}
	return []variant{pure}
}
