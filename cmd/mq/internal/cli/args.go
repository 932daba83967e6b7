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

// refuseUnknownNames makes the commands that cobra adds fail where they would
// print a help text in place of what was asked for.
func refuseUnknownNames(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if found, _, err := root.Find(args); err != nil || found == root && len(args) > 0 {
					return fault.Usage("help: no command is named %q", args)
				}
				return nil
			}
		case "completion":
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return fault.Usage("completion: the shell %q is none of bash, fish, powershell, zsh", args[0])
				}
				return cmd.Help()
			}
		}
	}
}
