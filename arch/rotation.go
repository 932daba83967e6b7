package arch

// Rotation is a rotary position embedding (Su et al. 2021, arXiv:2104.09864).
// Pair j of Dim/2 turns by position·Base^(-2j/Dim), changed as Scaling says;
// which two dimensions pair is a [Convention].
type Rotation struct {
	Dim      int // rotated dimensions of a head
	Base     float64
	Turning  int   // first pairs of a head that turn, where not all do; 0: all
	Sections []int // of the pairs for time, height, width and the rest; text turns all alike
	Scaling  Scaling

	Factor             float64 // stretch of the context
	OriginalContext    int     // before the stretch
	Context            int     // trained, of DynamicScaling
	LowFreq, HighFreq  float64 // of Llama3Scaling
	BetaFast, BetaSlow float64 // of YaRNScaling: rotations within the original context
	Extrapolate        float64 // of YaRNScaling: share of the pairs' own frequencies where they turn fast
	Exact              bool    // of YaRNScaling: the blend does not begin and end at whole pairs

	Magnitude float64 // of both cosine and sine
	// Of LongRoPEScaling: divisors by pair, within the original context and
	// beyond. nil: a file may have them, "rope_factors_short.weight" and
	// "rope_factors_long.weight".
	Short, Long []float64

	// Factors is the tensor of divisors by pair, "rope_freqs.weight", that a
	// file may have; empty: it has none for this rotation.
	Factors  string
	Divisors int // of that tensor, where they are more than the pairs
}

// Scaling enumerates what stretches a rotation to contexts longer than those
// of the training.
type Scaling uint8

// The scalings.
const (
	NoScalingOfRope Scaling = iota
	LinearScaling           // frequencies are divided by the factor
	DynamicScaling          // the base rises with the sequence
	YaRNScaling             // by parts (Peng et al. 2023, arXiv:2309.00071)
	Llama3Scaling           // by wavelength (Llama Team 2024, arXiv:2407.21783)
	LongRoPEScaling         // a divisor for each pair (Ding et al. 2024, arXiv:2402.13753)
)

// ropeFactors is the tensor of divisors that llama.cpp applies to each pair.
const ropeFactors = "rope_freqs.weight"
