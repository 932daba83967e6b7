package flags

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/formats/fault"
)

// Args demands at least least and at most most arguments, or any number of them
// where most is negative, and names what they are.
func Args(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		more := most >= 0 && len(args) > most
		if len(args) >= least && !more {
			return nil
		}
		got := "none"
		switch len(args) {
		case 0:
		case 1:
			got = fmt.Sprintf("%q", args[0])
		default:
			got = fmt.Sprintf("%d arguments", len(args))
		}
		rest := ""
		if more {
			rest = givenByFlags(cmd)
		}
		return fault.Invalid("%s takes %s, got %s%s", strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "), what, got, rest)
	}
}

// givenByFlags tells whoever writes the output and the type after the input, as
// other tools have it, how it is done here.
func givenByFlags(cmd *cobra.Command) string {
	switch output, typ := cmd.Flags().Lookup("output"), cmd.Flags().Lookup("type"); {
	case output == nil:
		return ""
	case typ == nil:
		return "; the output is given with -o"
	default:
		return "; the output is given with -o, the type with -t"
	}
}
