package cli

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/arch"
)

// archsCommand lists the architectures that convert and run.
func (a *app) archsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "archs",
		Short: "List the supported model architectures",
		Long: `List the supported model architectures and what each class is held to: the number of small models whose logits, from the
checkpoint and from the file, are transformers', and how far llama.cpp's predictions from those files are from transformers', in
nats. A class without models is another name of one that has them.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			type row struct {
				Name    string       `json:"name"`
				Classes []string     `json:"classes"`
				Proofs  []arch.Proof `json:"proofs"`
			}
			var archs []row
			table := [][]string{{"ARCHITECTURE", "CLASS IN config.json", "MODELS", "LLAMA.CPP"}}
			for _, x := range arch.All() {
				archs = append(archs, row{x.Name, x.Classes, x.Proofs()})
				for _, class := range x.Classes {
					table = append(table, proofRow(x, class))
				}
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

// proofRow is a line of the table.
func proofRow(a arch.Arch, class string) []string {
	line := []string{a.Name, class, "-", "-"}
	proofs := a.Proofs()
	if i := slices.IndexFunc(proofs, func(p arch.Proof) bool { return p.Class == class }); i >= 0 {
		line[2] = strconv.Itoa(proofs[i].Models)
		if d := proofs[i].Divergence; d != nil {
			line[3] = fmt.Sprintf("%.0e", *d)
		}
	}
	return line
}
