package arch

// Feed is the part of a layer that treats each position by itself: [*Dense],
// [*Experts], [*NormedFeed] or [Feeds].
type Feed interface{ feed() }

// Feeds run side by side on the same input and are added.
type Feeds []Feed

// NormedFeed is a part with norms of its own around it; nil: none.
type NormedFeed struct {
	Before, After *Norm
	Feed          Feed
}

// Dense is down(act(gate(x))·up(x)), or down(act(up(x))) where Gated is false.
// Tensors: ffn_gate, ffn_up, ffn_down with Suffix, each with a bias where the
// model has one.
type Dense struct {
	Suffix     string
	Width      int
	Gated      bool
	Fused      bool // ffn_up holds gate above up
	Activation Activation
	Limit      float64 // of gates above and of the rest on both sides; 0: none
	LimitAfter bool    // gates are limited after the activation

	Sparse bool    // a gate counts from the mean of its position's gates and Cut of their standard deviations on, what is below is 0
	Cut    float64 // of Sparse
}

// Experts is a mixture of experts (Shazeer et al. 2017, arXiv:1701.06538).
// Tensors: ffn_gate_inp; ffn_gate_exps and ffn_up_exps, or ffn_gate_up_exps
// with gate above up; ffn_down_exps; exp_probs_b.bias where the model has it.
type Experts struct {
	Count, Width int
	Gated        bool
	Activation   Activation
	Limit        float64
	LimitAfter   bool
	Router       Router
	Shared       *Dense // for every position; nil: none
	SharedGate   bool   // the sigmoid of ffn_gate_inp_shexp scales it
	Norm         *Norm  // of what the experts see, not of what the router sees; nil: none
	Hashed       bool   // the experts of a token stand in a table, ffn_gate_tid2eid
}

// Router chooses experts.
type Router struct {
	Used               int
	Score              Score
	Normalize          bool    // weights of the chosen experts sum to 1
	Scale              float64 // of the weights
	Groups, GroupsUsed int     // of experts, for grouped routing; 0: none
	GroupMax           bool    // groups rank by their best expert, not by their two best
	Before             bool    // weights scale the experts' input, not their result
	Unit               float64 // epsilon with which the router's input is scaled to length 1, each element by ffn_gate_inp.scale too; 0: it is not
	Within             float64 // weights are softmaxes over those left whose logits are within this share of the best's, one choice after the other (Liu et al. 2024, arXiv:2409.12136); 0: over all at once
	ByExpert           bool    // weights are multiplied by a number of each expert ("ffn_down_exps.scale")
}

// Score turns router logits into scores, numbered as in the file.
type Score uint8

// The scores.
const (
	SoftmaxScore       Score = 1
	SigmoidScore       Score = 2
	ChosenSoftmaxScore Score = 3 // softmax over the chosen experts alone
	SqrtSoftplusScore  Score = 4 // sqrt(log(1 + exp x))
)

func (*Dense) feed()   {}
func (*Experts) feed() {}
func (Feeds) feed()    {}

func (*NormedFeed) feed() {}

// activations are the activation functions by the names that transformers has
// for them.
var activations = map[string]Activation{
	"silu": SiLU, "swish": SiLU, "swiglu": SiLU, "gelu": GELU, "gelu_python": GELU, "gelu_new": GELUTanh, "gelu_fast": GELUTanh, "gelu_pytorch_tanh": GELUTanh,
	"quick_gelu": GELUQuick, "relu": ReLU, "relu2": ReLUSquared, "xielu": XIELU,
}

// Activation enumerates the activation functions.
type Activation uint8

// The activations.
const (
	SiLU      Activation = iota // x·σ(x)
	GELU                        // x·Φ(x)
	GELUTanh                    // its approximation by tanh
	GELUQuick                   // x·σ(1.702·x)
	ReLU
	ReLUSquared
	XIELU // Huang and Schlag 2024, arXiv:2411.13010
	OAI   // gpt-oss: (up+1)·gate·σ(1.702·gate)
)
