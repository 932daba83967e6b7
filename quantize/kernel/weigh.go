package kernel

import "math"

// A Weighing defines how the weights of a group follow from its values.
type Weighing int

// The weighings: x² , |x|, the group's root mean square + |x|, and the given
// weight times √(variance + x²).
const (
	Squares Weighing = iota
	Magnitudes
	Spread
	Given
)

// Weigh sets the weights of all groups of n values, a power of two: x² for
// Squares, |x| for Magnitudes, √(Σx²/n) + |x| for Spread, and for Given the
// weight that was loaded times √(Variance + x²), with the sum of these in Sum.
func (s *Scratch) Weigh(how Weighing, n int) {
	if weigh := active.weigh[how]; weigh != nil {
		for lane := 0; lane < s.groups; lane += active.lanes {
			weigh(&s.X[lane], n)
		}
		return
	}
	s.weigh(how, n)
}

func (s *Scratch) weigh(how Weighing, n int) {
	var buf [MaxLen]float32
	for j := range s.groups {
		x := s.X.column(buf[:n], j)
		var rms float32
		if how == Spread {
			var sum float32
			for _, v := range x {
				sum += float32(v * v)
			}
			rms = sqrt(sum / float32(n))
		}
		s.Sum[j] = 0
		for i, v := range x {
			w := &s.W[i*Lanes+j]
			switch how {
			case Squares:
				*w = v * v
			case Magnitudes, Spread:
				*w = rms + Abs(v)
			case Given:
				*w = float32(*w * sqrt(s.Variance[j]+float32(v*v)))
				s.Sum[j] += *w
			}
		}
	}
}

func sqrt(f float32) float32 { return float32(math.Sqrt(float64(f))) }
