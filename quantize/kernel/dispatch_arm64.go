//go:build arm64 && !noasm

package kernel

var neon = variant{
	name:              "neon",
	lanes:             16,
	searchNonLinear:   searchNonLinearNEON,
	nonLinearLevels:   nonLinearLevelsNEON,
	load:              loadNEON,
	weigh:             [...]func(*float32, int){weighSquaresNEON, weighMagnitudesNEON, weighSpreadNEON, weighGivenNEON},
	searchMin:         [2]minKernel{{16, searchMinNEON}, {16, searchMinNEON}},
	searchMinAbsolute: [2]minKernel{{16, searchMinAbsoluteNEON}, {16, searchMinAbsoluteNEON}},
	searchScale:       searchScaleNEON,
	searchPositive:    searchPositiveNEON,
	descend:           descendNEON,
	settle:            settleNEON,
	divide:            divideNEON,
	multiply:          multiplyNEON,
	halfUp:            halfUpNEON,
	away:              awayNEON,
	extremes:          [2]func(dst, x *float32, runs int){extremes16NEON, extremes32NEON},
	bounds:            boundsNEON,
	packBits:          [2]func(dst, levels *uint8){packThirdNEON, packFifthNEON},
	packPairs:         packPairsNEON,
	packSix:           packSixNEON,
	greatest16:        greatest16NEON,
	greatest32:        greatest32NEON,
	whole: [forms]wholeKernel{
		Q8_0: q8_0NEON, Q4_0: q4_0NEON, Q4_1: q4_1NEON, Q5_0: q5_0NEON, Q5_1: q5_1NEON,
		TQ1_0: tq1_0NEON, TQ2_0: tq2_0NEON, Q2_0: q2_0NEON, Signs: signBitsNEON,
	},
	mxfp4:        mxfp4NEON,
	nvfp4:        nvfp4NEON,
	magnitudes16: magnitudes16NEON,
	magnitudes32: magnitudes32NEON,

	round:       [2]roundGroups{roundTernaryNEON, roundOctalNEON},
	try:         [2]tryKernel{tryTernaryNEON, tryOctalNEON},
	nearest:     [2]answerKernel{nearestTernaryNEON, nearestOctalNEON},
	sumTernary:  [2]sumKernel{sumTernary16NEON, sumTernary24NEON},
	sumOctal:    [2]sumKernel{sumOctal24NEON, sumOctal32NEON},
	importance:  importanceNEON,
	prepare:     [2]prepareKernel{prepareNEON, prepareEvenNEON},
	spreadTries: spreadTriesNEON,
	bestTries:   bestTriesNEON,
	nearTernary: nearTernaryNEON,
	fewTernary:  fewTernaryNEON,
	oneShift:    ternaryKernels{splitOneShiftNEON, chooseOneShiftNEON, levelOneShiftNEON, projectOneShiftNEON},
	twoShifts:   ternaryKernels{splitTwoShiftsNEON, chooseTwoShiftsNEON, levelTwoShiftsNEON, projectTwoShiftsNEON},
}

// variants returns the kernels that this processor runs, the best first.
// Every arm64 processor has NEON.
func variants() []variant { return []variant{neon, pure} }
