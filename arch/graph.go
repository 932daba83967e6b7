package arch

// Model is what a model of given hyperparameters computes, resolved to plain
// data: no function and no default is left in it, so that two models can be
// compared field by field. [Describe] makes one from an [Arch] and its [Hyper].
type Model struct {
	Input  Input
	Layers []Layer
	Output Output
}

// Input is what happens to tokens before the first layer.
type Input struct {
	Scale      float64   // of the embedding
	Norm       *Norm     // of the embedding, "token_embd_norm"; nil: none
	Positions  bool      // learned absolute positions are added ("position_embd.weight")
	PerLayer   *PerLayer // each layer has an embedding of its own; nil: none does
	TokenTypes bool      // the embedding of token type 0 is added ("token_types.weight")
}

// Output is what happens after the last layer.
type Output struct {
	Norm    *Norm    // nil: none
	Scale   float64  // of the logits
	Softcap float64  // logits become cap·tanh(logits/cap); 0: none
	Streams *Streams // hyper-connections are joined ("output_hc_…"); nil: there is one stream
	AltUp   *AltUp   // the streams of the layers are joined; nil: there is one
	Kind    OutputKind
	Pooling Pooling // of embeddings

	Projections []Projection // of the pooled embedding, one after the other
}

// Projection is a matrix that an embedding is multiplied with.
type Projection struct {
	Name string // of the tensor, without ".weight"
	Rows int
}

// OutputKind enumerates the heads of models.
type OutputKind uint8

// The heads.
const (
	Logits     OutputKind = iota // of the next token
	Classifier                   // scores of the classes of "cls.output"
	Embeddings                   // the stream itself, pooled: the model has no head
)

// Pooling says how the positions of a sequence become one vector, numbered as
// in the file.
type Pooling uint8

// The poolings.
const (
	NoPooling   Pooling = 0
	MeanPooling Pooling = 1
	CLSPooling  Pooling = 2
	LastPooling Pooling = 3
	RankPooling Pooling = 4 // the last position's, scored by a classifier
)

// Layer is one decoder or encoder layer. With Parallel false it computes
//
//	x = SkipScale·x + MixScale·MixPost(Mixer(MixNorm(x)))
//	x = SkipScale·x + FeedScale·FeedPost(Feed(FeedNorm(x)))
//
// where a norm that is nil leaves its input alone and a part that is nil is
// left out with its norms and its sum.
type Layer struct {
	Mixer               Mixer
	Feed                Feed
	MixNorm, MixPost    *Norm
	FeedNorm, FeedPost  *Norm
	MixScale, FeedScale float64 // of a branch before it is added
	SkipScale           float64 // of the residual stream under both sums

	// Parallel adds both parts to the layer's input: x + Mixer(MixNorm(x)) +
	// Feed(FeedNorm(x)). FeedNorm nil: the feed-forward part shares MixNorm.
	Parallel bool

	// AfterSum puts MixPost and FeedPost after the residual sums instead of
	// before (BERT).
	AfterSum bool

	Streams *Streams // hyper-connections in place of sums; nil: none

	AltUp  *AltUp // streams beside the one that the layer computes; nil: none
	Laurel *Norm  // behind a low-rank branch beside the mixer: (x + Mixer(…) + MixNorm(x) + Laurel(laurel_r(laurel_l(MixNorm(x)))))/√2; nil: none

	PerLayer *PerLayer // what the layer's own embedding adds after both parts, to other streams where there are some; nil: nothing
	OutScale bool      // the layer's result is multiplied by a number ("layer_output_scale"), where the model has it
}

// PerLayer says what embeddings of tokens by layer give (Gemma 3n): within the
// input "per_layer_token_embd" and what "per_layer_model_proj" makes of the
// embedding, normalized, are added; a layer adds
// post_norm(proj(act(inp_gate(x))·its part)).
type PerLayer struct {
	Width      int // of one layer's part
	Eps        float64
	Activation Activation
}

// AltUp holds the parameters of alternating updates (Baykal et al. 2023,
// arXiv:2301.13310): a layer computes the first of several streams and
// predicts and corrects the others. Tensors: altup_proj and altup_unembd_proj
// [Count-1, …] at the ends; altup_router, altup_router_norm, altup_predict_coef,
// altup_correct_coef and altup_correct_scale in layers.
type AltUp struct {
	Count int
	Eps   float64
}

// Streams holds the parameters of hyper-connections (Xie et al. 2025,
// arXiv:2512.24880): parallel residual streams with learned mixtures. Count
// is 0 in every other model.
type Streams struct {
	Count      int
	Iterations int // of the Sinkhorn-Knopp algorithm
	Eps        float64
}
