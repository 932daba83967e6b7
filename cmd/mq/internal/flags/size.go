package flags

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/quantize/budget"
)

// size asks for a size instead of a type.
type size struct {
	bits        float64
	bytes       string
	types       []string
	sensitivity string
	by          string
	saveTypes   string
}

// collect asks for an importance matrix to be collected on the way.
type collect struct {
	text, out string
	chunks    int
}

func (f *size) register(flags *pflag.FlagSet) {
	flags.Float64Var(&f.bits, "target-bpw", 0, "choose the types so that the weights have at most this many bits on average")
	flags.StringVar(&f.bytes, "target-size", "", "choose the types so that the file is at most this large, e.g. 4.5G or 4GiB")
	flags.StringSliceVar(&f.types, "target-types", nil, "tensor types to choose from, e.g. q4_k,q5_k,q6_k,q8_0 (default all that fit)")
	flags.StringVar(&f.sensitivity, "sensitivity", "", "file of the measured sensitivities, written and used again (default in the user's cache folder)")
	flags.StringVar(&f.by, "sensitivity-by", "", "model or weights: measured by running the model, or guessed from the names (default by the memory)")
	flags.StringVar(&f.saveTypes, "save-types", "", "write the chosen types to this file, for --tensor-type-file")
	Range(flags, "target-bpw", 0.1, 64)
	Outputs(flags, "sensitivity", "save-types")
	Needs(flags, "target-bpw,target-size", "target-types", "sensitivity", "sensitivity-by", "save-types")
}

func (f *collect) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.text, "imatrix-from", "", "text to collect an importance matrix from, before the work")
	flags.StringVar(&f.out, "imatrix-out", "", "with --imatrix-from: keep the matrix in this file")
	flags.IntVar(&f.chunks, "imatrix-chunks", 0, "with --imatrix-from: chunks of 512 tokens to read (default all)")
	Needs(flags, "imatrix-from", "imatrix-out", "imatrix-chunks")
	Outputs(flags, "imatrix-out")
}

func (f *size) asked() bool { return f.bits != 0 || f.bytes != "" }

// name stands for the type in names: "4.5bpw", or the size as it was given.
func (f *size) name() string {
	if f.bytes != "" {
		return strings.ReplaceAll(f.bytes, " ", "")
	}
	return fmt.Sprintf("%gbpw", f.bits)
}

// options reads the flags.
func (f *size) options() (*pipeline.Size, error) {
	if !f.asked() {
		return nil, nil
	}
	o := &pipeline.Size{Name: f.name(), Sensitivity: f.sensitivity, By: pipeline.By(f.by), SaveTypes: f.saveTypes}
	var err error
	if o.Target, err = f.target(); err != nil || len(f.types) == 0 {
		return o, err
	}
	for _, name := range f.types {
		t, err := tensorType("--target-types", name)
		if err != nil {
			return nil, err
		}
		o.Candidates = append(o.Candidates, *t)
	}
	return o, nil
}

func (f *size) target() (budget.Target, error) {
	switch {
	case f.bits != 0 && f.bytes != "":
		return budget.Target{}, fault.Invalid("--target-bpw and --target-size: give one of the two")
	case f.by != "" && f.by != "model" && f.by != "weights":
		return budget.Target{}, fault.Invalid("--sensitivity-by %s: it is model or weights", f.by)
	case f.bytes == "":
		return budget.Target{Bits: f.bits}, nil
	}
	bytes, err := Size("--target-size", f.bytes)
	return budget.Target{Bytes: bytes}, err
}

// options reads the text through a function that knows standard input.
func (f *collect) options(read func(path string) (string, error)) (*pipeline.Collect, error) {
	if f.text == "" {
		return nil, nil
	}
	text, err := read(f.text)
	// llama-imatrix drops one line end at the end of a file.
	return &pipeline.Collect{Text: strings.TrimSuffix(text, "\n"), Name: f.text, Out: f.out, Chunks: f.chunks}, err
}

// tensorType reads the value of a flag that names a type of tensors.
func tensorType(flag, name string) (*gguf.Type, error) {
	if name == "" {
		return nil, nil
	}
	t, ok := gguf.ParseType(strings.TrimSpace(name))
	if !ok {
		return nil, fault.Invalid("%s %s: no tensor type has that name%s ('mq types' lists them)", flag, name, DidYouMean(typeLike(name)))
	}
	return &t, nil
}
