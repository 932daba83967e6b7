package cli

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/fault"
)

// manCommand writes manual pages.
func (a *app) manCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "man DIR",
		Short:   "Write a manual page for every command into a folder",
		Example: `  mq man ~/.local/share/man/man1`,
		Args:    exactArgs(1, "one folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if mkdir, err := cmd.Flags().GetBool("mkdir"); err != nil {
				return err
			} else if mkdir {
				if err := os.MkdirAll(args[0], 0o777); err != nil {
					return fault.Invalid("--mkdir: %w", err)
				}
			}
			if folder, err := session.IsFolder(args[0]); err != nil {
				return err
			} else if !folder {
				return fault.Invalid("man: %s is not a folder", args[0])
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same program writes the same pages
			header := &doc.GenManHeader{Section: "1", Source: "mq " + version(), Manual: "mq"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fault.IO("man: %w", err)
			}
			return nil
		},
	}
	flags.Outputs(cmd.Flags())
	return cmd
}
