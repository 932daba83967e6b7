package graph

import (
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/kernel"
)

// activation is an activation function with its parameters.
type activation struct {
	kind  arch.Activation
	limit float32 // of gates above and of the rest on both sides; 0: none
	after bool    // gates are limited after the function
	xielu xielu
}

// gate replaces gates g by act(g)·up.
func (a *activation) gate(g, up []float32) {
	if a.limit != 0 {
		for i := range g {
			up[i] = max(min(up[i], a.limit), -a.limit)
		}
		if a.after {
			a.apply(g)
			capped(g, a.limit)
			multiply(g, up)
			return
		}
		capped(g, a.limit)
	}
	switch a.kind {
	case arch.SiLU:
		kernel.SwiGLU(g, up)
	case arch.OAI:
		for i, v := range g {
			g[i] = (up[i] + 1) * v * logistic(1.702*v)
		}
	default:
		a.apply(g)
		multiply(g, up)
	}
}

// capped limits x from above.
func capped(x []float32, limit float32) {
	for i, v := range x {
		x[i] = min(v, limit)
	}
}

// multiply replaces x by its products with y.
func multiply(x, y []float32) {
	for i, v := range y[:len(x)] {
		x[i] *= v
	}
}

// plain replaces x by act(x), where there is no gate.
func (a *activation) plain(x []float32) {
	if a.limit != 0 {
		for i := range x {
			x[i] = max(min(x[i], a.limit), -a.limit)
		}
	}
	a.apply(x)
}

func (a *activation) apply(x []float32) {
	switch a.kind {
	case arch.SiLU:
		silu(x)
	case arch.GELU: // Hendrycks and Gimpel 2016, arXiv:1606.08415
		for i, v := range x {
			x[i] = float32(0.5 * float64(v) * math.Erfc(-float64(v)/math.Sqrt2))
		}
	case arch.GELUTanh:
		for i, v := range x {
			w := float64(v)
			x[i] = float32(0.5 * w * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(w+float64(0.044715*w*w*w)))))
		}
	case arch.GELUQuick:
		for i, v := range x {
			x[i] = v * logistic(1.702*v)
		}
	case arch.ReLU:
		for i, v := range x {
			x[i] = max(v, 0)
		}
	case arch.ReLUSquared: // So et al. 2021, arXiv:2109.08668
		for i, v := range x {
			v = max(v, 0)
			x[i] = v * v
		}
	case arch.XIELU:
		a.xielu.apply(x)
	}
}

// xielu is a trained activation (Huang and Schlag 2024, arXiv:2411.13010).
type xielu struct{ positive, negative, beta, eps float64 }

// newXIELU takes the parameters as training has them: of both branches what
// softplus makes positive, where the second adds to the linear part.
func newXIELU(alphaP, alphaN, beta, eps float64) xielu {
	return xielu{softplus(alphaP), beta + softplus(alphaN), beta, eps}
}

func (a xielu) apply(x []float32) {
	for i, v := range x {
		w := float64(v)
		if w > 0 {
			x[i] = float32(float64(a.positive*w*w) + float64(a.beta*w))
		} else {
			x[i] = float32(float64(a.negative*(math.Expm1(min(w, a.eps))-w)) + float64(a.beta*w))
		}
	}
}

// silu replaces x by x / (1 + e^-x).
func silu(row []float32) {
	for i, v := range row {
		row[i] = v * logistic(v)
	}
}

// logistic returns 1 / (1 + e^-x).
func logistic(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// softplus returns ln(1 + e^x).
func softplus(x float64) float64 {
	if x > 20 {
		return x
	}
	return math.Log1p(math.Exp(x))
}
