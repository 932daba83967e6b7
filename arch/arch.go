package arch

import "github.com/f190792d/mq/formats/hf"

// Arch describes one model architecture.
type Arch struct {
	Name     string              // general.architecture of the GGUF file
	Classes  []string            // config.json "architectures" that it serves
	Defaults map[string]Defaults // what a class assumes where config.json is silent; "" stands for every other class; "CLASS with KIND" goes before CLASS where the text model has that model_type
	Rename   []string            // pairs: what stands in source names, and what it is called here
	Strip    []string            // removed from source names wherever they stand, e.g. "language_model."

	Late             string     // common key-values with this prefix are among Params instead
	Native           bool       // checkpoints are in the format of the models' publisher: params.json in place of config.json
	KeepsPredictions bool       // multi-token-prediction layers are converted, not dropped
	StateSpace       bool       // no layer has attention or a feed-forward part
	Scaled           bool       // runtimes multiply the products of matrices with the tensors ".scale" beside them
	KeepsTypes       bool       // matrices keep the checkpoint's types, whatever type is asked for
	Vocabulary       Vocabulary // how the vocabulary is written
	EarlyTemplate    bool       // the chat template stands after general.architecture

	First      [][]string // targets that stand before all others: the groups one after the other, each layer by layer
	FirstCoded bool       // only where the checkpoint has them quantized

	Only    Keys     // values of config.json that the model must have where it states them: others are of another graph
	Early   []Param  // key-values after general.architecture
	Common  []string // key-values before general.file_type, in writing order, of the common ones and Params; nil: all common ones, in their own
	Params  []Param  // key-values beyond the common ones, in writing order
	Tensors []Tensor // every source tensor is consumed by exactly one source template …
	Ignore  []string // … or matches one of these, in which "*" stands for anything
	Extra   []Extra  // tensors that are computed from the hyperparameters

	Reranker   *Reranker   // how its models rank documents; nil: none does
	Companions []Companion // further files that a checkpoint may give

	Graph        Graph      // what the layers compute
	Source, File Convention // of checkpoint and file
	Views        []View     // where a checkpoint keeps matrices that it does not keep as they are

	// Readers of what is this architecture's alone; nil: nothing is. sizes runs
	// before what follows from them is derived.
	sizes      func(*reader, *Hyper)
	fromConfig func(*reader, *Hyper)
	fromFile   func(*fileReader, *Hyper)
	losses     []lossRule // beyond the common ones

	change      func(Hyper, *Model) error // what is otherwise than Graph says; nil: nothing is
	description string                    // the file that describes it; empty: the table has it
}

// Param is one key-value of the GGUF file and where it comes from: other
// hyperparameters, or config.json itself.
type Param struct {
	Key  string                  // below "ARCH.", e.g. "rope.dimension_count", or one of the tokenizer, e.g. "tokenizer.ggml.add_bos_token"
	From func(Hyper) (any, bool) // the typed value; false leaves the key out

	// A number that the architecture alone has is read from the first of these
	// keys of config.json, and from Key of a file, into [Hyper].Value(Key).
	Config  []string
	Default float64 // of the class, where config.json is silent; null is 0
	Implied float64 // where a file is silent
	Truth   bool    // it is true, 1, or false, 0

	compute func(*reader, Hyper) float64 // the same from config.json in place of Config and Default; nil: it is not computed
}

// Tensor maps source tensors to one target tensor. Templates are whole names
// in which {i} stands for the layer, {e} for the expert and {j} for any other
// number. A target without {e} or {j} whose source has it stacks the experts,
// or whatever else is counted, along a new outermost dimension. A source tensor that several targets share appears
// once for each of them, and one without a target is dropped.
type Tensor struct {
	Source   string
	Target   string
	Shape    []Dim   // of the source tensor, outermost dimension first
	More     []Piece // further source tensors, whose rows follow in the target
	Times    Dim     // how many {j} there are
	Ops      []Op    // in order; none copies
	Optional bool    // absent in some checkpoints of the architecture
	Untied   bool    // though optional, required where config.json says that the embedding is not the output matrix
	Listed   bool    // one number of a layer: a file has those of all layers in a key-value of the target's name without the layer
	Idle     bool    // files have it, and nothing computes with it
	F32      bool    // stays F32 in every file type (routers, convolutions …)
	Where    Where   // the layers that have it; nil means all
}

// Piece is one of several source tensors of a target.
type Piece struct {
	Source string
	Shape  []Dim
}

// Extra is a one-dimensional F32 tensor that no checkpoint stores: it stands
// before all others in the file.
type Extra struct {
	Target string
	Values func(Hyper) []float32 // nil leaves the tensor out
}

// Reranker says how a language model ranks documents: by the probabilities of
// some words.
type Reranker struct {
	Names   []string // lower case; one is in the name of the checkpoint or a heading of its card
	Answers []string // words that the file's classifier scores
	Prompt  string   // with {query} and {document}
}

// Companion is a file of another kind that a checkpoint gives beside the
// model's, such as the projector of a vision model.
type Companion struct {
	Type  string                         // general.type of the file, e.g. "mmproj"
	Arch  Arch                           // its parameters and tensors; what it ignores is the model's
	Hyper func(hf.Config) (Hyper, error) // read from config.json
}

// Graph describes what a model of given hyperparameters computes, as plain
// data. A function that is nil stands for what the Llama decoder has: an
// embedding as it is, pre-norm layers with grouped-query attention and SwiGLU
// or experts, an RMS norm before the logits.
type Graph struct {
	Input  func(Hyper) Input
	Layer  func(h Hyper, layer int) Layer
	Output func(Hyper) Output

	Activation Activation // of a class or file that does not say otherwise
	Router     Router     // score and normalization of experts where a file is silent
}

// Loss is a part of a model that its file has no key for, or that llama.cpp
// leaves out or computes otherwise.
type Loss struct {
	Text     string       // a sentence for people; empty where nobody can notice
	Patch    func(*Model) // makes of the checkpoint's model the file's; nil: they compute alike
	InTensor bool         // nothing is lost: a tensor of the file says it, which the checkpoint does not have
}

// lossRule returns what is lost of a model; the zero Loss: nothing.
type lossRule func(c *reader, a Arch, h Hyper) Loss

// assumed returns the defaults of a class whose text model has a model_type.
func (a Arch) assumed(class, kind string) Defaults {
	for _, key := range []string{class + " with " + kind, class} {
		if d, ok := a.Defaults[key]; ok {
			return d
		}
	}
	return a.Defaults[""]
}
