package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/arch"
)

// archsCommand lists the architectures that convert and run.
func (a *app) archsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "archs",
		Short: "List the supported model architectures",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			type row struct {
				Name    string   `json:"name"`
				Classes []string `json:"classes"`
			}
			var archs []row
			table := [][]string{{"ARCHITECTURE", "CLASSES IN config.json"}}
			for _, x := range arch.All() {
				archs = append(archs, row{x.Name, x.Classes})
				table = append(table, []string{x.Name, strings.Join(x.Classes, ", ")})
			}
			if a.JSON {
				a.Object(map[string]any{"archs": archs})
				return nil
			}
			a.Table(a.Out, table)
			return nil
		},
	}
}
