package flags

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/formats/fault"
)

// elsewhere are the options of the reference's tools that have another name
// here.
var elsewhere = map[string]string{
	"outtype": "-t TYPE", "outfile": "-o FILE", "out-file": "-o FILE", "vocab-type": "--pre NAME", "model": "the model as the first argument",
	"ctx-size": "--ctx N", "threads": "-j N", "n-predict": "-n N", "output-file": "-o FILE", "split-max-tensors": "--split-max-size SIZE",
	"token-embd-type": "--token-embedding-type TYPE", "kl-divergence-base": "--logits FILE", "quantize": "-t TYPE", "verify": "nothing: it is the default", "pad-vocab": "nothing: it is the default",
}

// Explain says of an error about flags what to type instead.
func Explain(cmd *cobra.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return fault.Invalid("%w", err)
	}
	if other, ok := elsewhere[name]; ok {
		return fault.Invalid("%w; here it is %s", err, other)
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return fault.Invalid("%w%s", err, DidYouMean(Nearest("--"+name, known, strings.ToLower)))
}
