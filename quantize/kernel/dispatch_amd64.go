//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

var avx2 = variant{
	name:              "avx2",
	lanes:             16,
	load:              loadAVX2,
	weigh:             [...]func(*float32, int){weighSquaresAVX2, weighMagnitudesAVX2, weighSpreadAVX2, weighGivenAVX2},
	searchMin:         [2]minKernel{{16, searchMin16AVX2}, {32, searchMin32AVX2}},
	searchMinAbsolute: [2]minKernel{{16, searchMinAbsolute16AVX2}, {32, searchMinAbsolute32AVX2}},
	searchScale:       searchScaleAVX2,
	searchPositive:    searchPositiveAVX2,
	descend:           descendAVX2,
	settle:            settleAVX2,
	searchNonLinear:   searchNonLinearAVX2,
	nonLinearLevels:   nonLinearLevelsAVX2,
	divide:            divideAVX2,
	multiply:          multiplyAVX2,
	halfUp:            halfUpAVX2,
	away:              awayAVX2,
	extremes:          [2]func(dst, x *float32, runs int){extremes16AVX2, extremes32AVX2},
	bounds:            boundsAVX2,
	packBits:          [2]func(dst, levels *uint8){packThirdAVX2, packFifthAVX2},
	packPairs:         packPairsAVX2,
	packSix:           packSixAVX2,
	greatest16:        greatest16AVX2,
	greatest32:        greatest32AVX2,
	whole: [forms]wholeKernel{
		Q8_0: q8_0AVX2, Q4_0: q4_0AVX2, Q4_1: q4_1AVX2, Q5_0: q5_0AVX2, Q5_1: q5_1AVX2,
		TQ1_0: tq1_0AVX2, TQ2_0: tq2_0AVX2, Q2_0: q2_0AVX2, Signs: signBitsAVX2,
	},
	mxfp4:        mxfp4AVX2,
	nvfp4:        nvfp4AVX2,
	magnitudes16: magnitudes16AVX2,
	magnitudes32: magnitudes32AVX2,

	nearTernary: nearTernaryAVX2,
	fewTernary:  fewTernaryAVX2,
	round:       [2]roundGroups{roundTernaryAVX2, roundOctalAVX2},
	try:         [2]tryKernel{tryTernaryAVX2, tryOctalAVX2},
	nearest:     [2]answerKernel{nearestTernaryAVX2, nearestOctalAVX2},
	sumTernary:  [2]sumKernel{sumTernary16AVX2, sumTernary24AVX2},
	sumOctal:    [2]sumKernel{sumOctal24AVX2, sumOctal32AVX2},
	importance:  importanceAVX2,
	prepare:     [2]prepareKernel{prepareAVX2, prepareEvenAVX2},
	spreadTries: spreadTriesAVX2,
	bestTries:   bestTriesAVX2,
	oneShift:    ternaryKernels{splitOneShiftAVX2, chooseOneShiftAVX2, levelOneShiftAVX2, projectOneShiftAVX2},
	twoShifts:   ternaryKernels{splitTwoShiftsAVX2, chooseTwoShiftsAVX2, levelTwoShiftsAVX2, projectTwoShiftsAVX2},
}

// withAVX512 is a variant with the searches in AVX-512.
func withAVX512(v variant) variant {
	v.name, v.lanes = "avx512", 32
	v.weigh = [...]func(*float32, int){weighSquaresAVX512, weighMagnitudesAVX512, weighSpreadAVX512, weighGivenAVX512}
	v.searchMin = [2]minKernel{{32, searchMinAVX512}, {32, searchMinAVX512}}
	v.searchMinAbsolute = [2]minKernel{{32, searchMinAbsoluteAVX512}, {32, searchMinAbsoluteAVX512}}
	v.searchScale = searchScaleAVX512
	v.searchPositive = searchPositiveAVX512
	v.descend, v.settle = descendAVX512, settleAVX512
	v.searchNonLinear = searchNonLinearAVX512
	v.divide, v.multiply = divideAVX512, multiplyAVX512
	v.oneShift = ternaryKernels{splitOneShiftAVX512, chooseOneShiftAVX512, levelOneShiftAVX512, projectOneShiftAVX512}
	v.twoShifts = ternaryKernels{splitTwoShiftsAVX512, chooseTwoShiftsAVX512, levelTwoShiftsAVX512, projectTwoShiftsAVX512}
	return v
}

// variants returns the kernels that this processor runs, the best first.
func variants() []variant {
	list := []variant{pure}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		list = append([]variant{avx2}, list...)
		if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ {
			list = append([]variant{withAVX512(avx2)}, list...)
		}
	}
	return list
}
