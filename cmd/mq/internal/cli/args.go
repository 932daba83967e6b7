package cli

import (
	"github.com/spf13/cobra"

	"github.com/f190792d/mq/formats/fault"
)

// exactArgs demands n arguments and names what they are.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fault.Usage("%s takes %s, got %d arguments", cmd.Name(), what, len(args))
	}
}
