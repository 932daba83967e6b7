package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize/budget"
)

// budgetFlags ask for a size instead of a type.
type budgetFlags struct {
	bits        float64
	size        string
	types       []string
	sensitivity string
	by          string
	saveTypes   string
}

// collectFlags ask for an importance matrix to be collected on the way.
type collectFlags struct {
	text, out string
	chunks    int
}

func (f *budgetFlags) register(flags *pflag.FlagSet) {
	flags.Float64Var(&f.bits, "target-bpw", 0, "choose the types so that the weights have at most this many bits on average")
	flags.StringVar(&f.size, "target-size", "", "choose the types so that the file is at most this large, e.g. 4.5G (powers of 1000)")
	flags.StringSliceVar(&f.types, "target-types", nil, "tensor types to choose from, e.g. q4_k,q5_k,q6_k,q8_0 (default all that fit)")
	flags.StringVar(&f.sensitivity, "sensitivity", "", "file of the measured sensitivities, written and used again (default in the user's cache folder)")
	flags.StringVar(&f.by, "sensitivity-by", "", "model or weights: measured by running the model, or guessed from the names (default by the memory)")
	flags.StringVar(&f.saveTypes, "save-types", "", "write the chosen types to this file, for --tensor-type-file")
}

func (f *collectFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.text, "imatrix-from", "", "text to collect an importance matrix from, before the work")
	flags.StringVar(&f.out, "imatrix-out", "", "with --imatrix-from: keep the matrix in this file")
	flags.IntVar(&f.chunks, "imatrix-chunks", 0, "with --imatrix-from: chunks of 512 tokens to read (default all)")
}

func (f *budgetFlags) asked() bool { return f.bits != 0 || f.size != "" }

// name stands for the type in names: "4.5bpw", or the size as it was given.
func (f *budgetFlags) name() string {
	if f.size != "" {
		return strings.ReplaceAll(f.size, " ", "")
	}
	return fmt.Sprintf("%gbpw", f.bits)
}

// target reads the flags.
func (f *budgetFlags) target() (budget.Target, error) {
	switch {
	case f.bits != 0 && f.size != "":
		return budget.Target{}, fault.Usage("--target-bpw and --target-size: give one of the two")
	case f.bits < 0 || f.bits != f.bits || f.bits > 64:
		return budget.Target{}, fault.Usage("--target-bpw %g: the bits of a weight are above 0 and not above 64", f.bits)
	case f.by != "" && f.by != "model" && f.by != "weights":
		return budget.Target{}, fault.Usage("--sensitivity-by %s: it is model or weights", f.by)
	case f.size == "":
		return budget.Target{Bits: f.bits}, nil
	}
	bytes, err := sizeFlag("--target-size", f.size)
	return budget.Target{Bytes: bytes}, err
}

// candidates are the tensor types to choose from.
func (f *budgetFlags) candidates() ([]gguf.Type, error) {
	var list []gguf.Type
	for _, name := range f.types {
		t, err := tensorType("--target-types", name)
		if err != nil {
			return nil, err
		}
		list = append(list, *t)
	}
	if list == nil {
		list = budget.Candidates()
	}
	return list, nil
}

// check refuses flags that contradict each other.
func (f *recipeFlags) check(output *outputFlags) error {
	b, c := f.budget, f.collect
	switch {
	case c.text != "" && f.imatrix != "":
		return fault.Usage("--imatrix and --imatrix-from: the matrix is there, or is to be collected; give one of the two")
	case c.text == "" && (c.out != "" || c.chunks != 0):
		return fault.Usage("--imatrix-out and --imatrix-chunks say how to collect a matrix: name the text with --imatrix-from")
	case c.chunks < 0:
		return fault.Usage("--imatrix-chunks %d: a number above zero is needed", c.chunks)
	case !b.asked() && (b.saveTypes != "" || b.sensitivity != "" || b.by != "" || b.types != nil):
		return fault.Usage("--save-types, --sensitivity, --sensitivity-by and --target-types need a size: give --target-bpw or --target-size")
	case !b.asked():
		return nil
	case len(f.given()) > 0:
		return fault.Usage("--%s chooses the type of every tensor: leave -t %s out", map[bool]string{true: "target-bpw", false: "target-size"}[b.bits != 0], f.given()[0])
	case f.options.Pure || f.options.NoFallback:
		return fault.Usage("--pure and --no-fallback concern a type that is given; with a target there is none")
	case output.part != "":
		return fault.Usage("--part: every part needs the same types: choose them once with 'mq plan ... --save-types FILE', then give each part --tensor-type-file FILE")
	}
	_, err := b.target()
	if err == nil {
		_, err = b.candidates()
	}
	return err
}
