package flags

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/f190792d/mq/pipeline"
)

// refine asks for weights that are rounded by what a text makes of them.
type refine struct {
	texts  []string
	tokens int
}

func (f *refine) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.texts, "refine", nil, "text to refine the rounding with, or auto: same types and size, less error, more time (repeatable; see 'mq help quantization')")
	flags.IntVar(&f.tokens, "refine-tokens", 0, "with --refine: tokens of the texts to use (default 65536, or 262144 for up to 16 million weights)")
	Needs(flags, "refine", "refine-tokens")
}

// Texts says what a file was refined with.
type Texts struct{ refine }

// Register adds the flag.
func (t *Texts) Register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&t.texts, "refine", nil, "text that the file was refined with, or auto, for --rederive (repeatable)")
}

// Read reads the texts, nil where there are none.
func (t *Texts) Read(read func(path string) (string, error)) (*pipeline.Refine, error) {
	return t.options(read)
}

// options reads the texts through a function that knows standard input.
func (f *refine) options(read func(path string) (string, error)) (*pipeline.Refine, error) {
	if len(f.texts) == 0 {
		return nil, nil
	}
	o := &pipeline.Refine{Tokens: f.tokens}
	for _, name := range f.texts {
		if name == auto {
			o.Auto = true
			continue
		}
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		o.Texts = append(o.Texts, pipeline.Text{Name: name, Content: strings.TrimSuffix(text, "\n")})
	}
	return o, nil
}

// files are the texts that are not standard input.
func (f *refine) files() (files []string) {
	for _, name := range f.texts {
		if name != "-" && name != auto {
			files = append(files, name)
		}
	}
	return files
}
