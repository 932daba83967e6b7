package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/quantize"
)

// typesCommand lists the block types and the recipes over them.
func (a *app) typesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "types",
		Short: "List the tensor types and the quantization recipes",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			type row struct {
				ID          uint32  `json:"id"`
				Name        string  `json:"name"`
				Block       int     `json:"block"`
				Bytes       int     `json:"bytes"`
				Bits        float64 `json:"bpw"`
				NeedsMatrix bool    `json:"needs_imatrix"`
			}
			var types []row
			table := [][]string{{"TYPE", "ID", "BLOCK", "BYTES", "BITS/WEIGHT", ""}}
			for _, t := range quantize.Types {
				r := row{uint32(t.ID), t.Name, t.Block, t.Bytes, float64(8*t.Bytes) / float64(t.Block), t.NeedsWeights}
				types = append(types, r)
				note := ""
				if r.NeedsMatrix {
					note = "needs --imatrix"
				}
				table = append(table, []string{r.Name, fmt.Sprint(r.ID), fmt.Sprint(r.Block), fmt.Sprint(r.Bytes), fmt.Sprintf("%.4f", r.Bits), note})
			}
			if a.JSON {
				a.Object(map[string]any{"types": types})
				return nil
			}
			a.Table(a.Out, table)
			return nil
		},
	}
}
