package pipeline

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/internal/memory"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/quantize/budget"
	"github.com/f190792d/mq/validate"
)

// Options say what to make and how. The zero value converts a checkpoint in
// its own precision, without comparing the result with it.
type Options struct {
	// Recipes are the types to write, one output each. Without any, and
	// without Size, a checkpoint keeps its own precision.
	Recipes []quantize.Recipe
	// Size chooses the types for a given size, in place of Recipes.
	Size *Size
	// Collect collects an importance matrix from a text before the work.
	Collect *Collect
	// Refine rounds the weights of the outputs again, so that their models
	// compute more nearly what the source does on a text.
	Refine *Refine
	// Quantize is what the recipes have in common; its Recipe is not used.
	Quantize quantize.Options
	// Name is general.name of a converted checkpoint; empty: that of its model
	// card or folder.
	Name string
	// Adapters are merged into the weights of a checkpoint, in this order. They
	// stay the caller's to close, after the job.
	Adapters []hf.Adapter
	// Lossless writes every weight of a quantized checkpoint exactly: in a block
	// type that holds its codes, else as F32.
	Lossless bool
	// As describes the architecture of a GGUF file that names none that is known.
	As hf.Reading
	// Pre is tokenizer.ggml.pre of a converted checkpoint; empty: recognized.
	Pre string

	// Out is the path to write; {type} stands for the name of the type, and
	// must be in it where there are several, {name} for the rest of the default.
	// Empty: NAME-TYPE.gguf. Of a checkpoint NAME follows the naming convention
	// of GGUF files, in the working folder; of a GGUF file it is its own name,
	// beside it.
	Out string
	// Mkdir makes the folders of outputs that do not exist.
	Mkdir bool
	// MaxFileSize splits an output into files of at most so many bytes.
	MaxFileSize int64
	// Part, counted from 0, is the only file to write of a set of Parts. A
	// part cannot be run, so it is not compared with the source.
	Part, Parts int
	// Force replaces existing outputs and what a stopped run has left; Resume
	// continues that, and starts afresh where there is nothing.
	Force, Resume bool
	// PlanOnly says that Run will not be called: outputs may exist.
	PlanOnly bool

	// Verify compares every output with the source before it gets its name.
	// The structure of a converted file is checked in any case.
	Verify bool
	// KeepOthers keeps the other outputs where one fails its check.
	KeepOthers bool
	// Render renders chat templates for the check, Lint finds what is wrong with
	// them; see [validate.Options].
	Render validate.Renderer
	Lint   validate.Linter

	// SHA256 writes OUT.sha256 for sha256sum -c; Provenance writes
	// OUT.mq.json: hashes, plan, versions and figures.
	SHA256, Provenance bool
	// Inputs are further files that decide what is written, such as an
	// importance matrix: no output may be one of them.
	Inputs []string
	// Version of the calling program, for the journal and the provenance.
	Version string

	Workers int   // goroutines; 0 for one on each processor
	Memory  int64 // budget in bytes; 0 for a quarter of the memory, at least 256 MiB

	// Progress and Notify report what goes on. Their calls do not overlap.
	Progress progress.Func
	Notify   func(Notice)
}

// Size asks for the best types within a size.
type Size struct {
	Target     budget.Target
	Name       string      // stands for the type in names; empty: the size itself
	Candidates []gguf.Type // nil for all that fit

	// Sensitivity is a file of measured sensitivities: used where it fits
	// model, matrix and text, written otherwise. Empty: in the user's cache.
	Sensitivity string
	// By says how sensitivities are found; [ByDefault] decides by the memory.
	By By
	// SaveTypes is a file to write the chosen types to, one REGEX=TYPE a line.
	SaveTypes string
}

// By is a way to find out how much a model depends on a tensor.
type By string

// The ways.
const (
	ByDefault By = ""
	ByModel   By = "model"   // measured by running the model
	ByWeights By = "weights" // guessed from the tensors' names
)

// Collect asks for an importance matrix.
type Collect struct {
	Text   string // calibration text
	Name   string // of the text, as the matrix records it
	Out    string // file to keep the matrix in; empty: it is not kept
	Chunks int    // of 512 tokens; 0 for all

	// Include and Exclude choose the tensors that the matrix is used for, by
	// parts of their names.
	Include, Exclude []string
}

// Refine asks for rounding by what a text makes of the model.
type Refine struct {
	Texts  []Text
	Auto   bool // a text that the source writes itself, too
	Tokens int  // of the texts together; 0: 65,536, or 262,144 for at most 16 million weights
}

// Text is a calibration text.
type Text struct {
	Name    string // as key-values record it
	Content string
}

// Notice is something worth telling a person.
type Notice struct {
	Warning bool
	Text    string
}

// complete fills in defaults and refuses what contradicts itself.
func (o Options) complete() (Options, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Memory <= 0 {
		o.Memory = memory.Default()
	}
	if o.Notify == nil {
		o.Notify = func(Notice) {}
	}
	if o.Size != nil {
		o.Size = o.Size.complete(o.Refine != nil)
	}
	if o.Refine != nil {
		own := *o.Refine
		own.Texts, o.Refine = slices.Clone(own.Texts), &own
	}
	switch {
	case o.Size != nil && len(o.Recipes) > 0:
		return o, fault.Op("pipeline").Invalid("recipes and a size: each decides the types; give one")
	case o.Parts < 0 || o.Parts > 0 && (o.Part < 0 || o.Part >= o.Parts):
		return o, fault.Op("pipeline").Invalid("part %d of %d does not exist", o.Part+1, o.Parts)
	case o.Parts > 0 && (o.MaxFileSize > 0 || o.Quantize.KeepSplit):
		return o, fault.Op("pipeline").Invalid("parts, a largest file size and the split of the input: each decides how the set is divided; give one")
	case o.MaxFileSize > 0 && o.Quantize.KeepSplit:
		return o, fault.Op("pipeline").Invalid("a largest file size and the split of the input: each decides how the set is divided; give one")
	case o.Parts > 0 && o.Size != nil:
		return o, fault.Op("pipeline").Invalid("every part needs the same types: choose them once, and give each part the list")
	case o.Verify && len(o.Quantize.PruneLayers) > 0:
		return o, fault.Op("pipeline").Kind(ErrDiffers).Invalid("a file without some of the layers cannot be compared with its source")
	case o.Refine != nil && (o.Parts > 0 || o.MaxFileSize > 0 || o.Quantize.KeepSplit):
		return o, fault.Op("pipeline").Invalid("a file is refined as a whole: write one file, and split it afterwards")
	case o.Refine != nil && o.Size == nil && len(o.Recipes) == 0:
		return o, fault.Op("pipeline").Invalid("what is refined is quantized: give a type, or a size")
	case o.Refine != nil && len(o.Quantize.PruneLayers) > 0:
		return o, fault.Op("pipeline").Invalid("a file without some of the layers cannot be refined: its layers are not its source's")
	case o.Collect != nil && o.Quantize.Importance != nil:
		return o, fault.Op("pipeline").Invalid("an importance matrix is given and one is to be collected; give one of the two")
	}
	return o, nil
}

// complete fills in the defaults of a size. What is refined is given types that
// can be.
func (s Size) complete(refined bool) *Size {
	switch {
	case s.Name != "":
	case s.Target.Bytes > 0:
		s.Name = fmt.Sprint(s.Target.Bytes)
	default:
		s.Name = fmt.Sprintf("%gbpw", s.Target.Bits)
	}
	if s.Candidates == nil {
		s.Candidates = budget.Candidates()
		if refined {
			s.Candidates = slices.DeleteFunc(s.Candidates, func(t gguf.Type) bool {
				row, ok := quantize.ByID(t)
				return !ok || t.Quantized() && row.Grid == nil
			})
		}
	}
	return &s
}

// native returns the type in which the converter itself writes all matrices,
// where that is asked for: the converter then does what the reference's does,
// and nothing is quantized.
func (o Options) native() (convert.FileType, bool) {
	if o.Size != nil || len(o.Recipes) > 1 {
		return 0, false
	}
	if len(o.Recipes) == 0 {
		return convert.Auto, true
	}
	if mixes(o.Quantize) || o.Refine != nil {
		return 0, false
	}
	return convert.ParseFileType(o.Recipes[0].Name)
}

// mixes reports whether options have a say beside the type.
func mixes(q quantize.Options) bool {
	return len(q.Overrides)+len(q.KVs)+len(q.PruneLayers) > 0 || q.OutputType != nil || q.EmbedType != nil || q.Like != nil || q.LeaveOutput
}

func (o Options) note(warning bool, text string) { o.Notify(Notice{warning, text}) }
