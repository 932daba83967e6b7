package cli

import (
	"fmt"
	"strings"

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
			for _, t := range quantize.Types() {
				r := row{uint32(t.ID), t.Name, t.Block, t.Bytes, float64(8*t.Bytes) / float64(t.Block), t.NeedsWeights}
				types = append(types, r)
				note := ""
				if r.NeedsMatrix {
					note = "needs --imatrix"
				}
				table = append(table, []string{r.Name, fmt.Sprint(r.ID), fmt.Sprint(r.Block), fmt.Sprint(r.Bytes), fmt.Sprintf("%.4f", r.Bits), note})
			}
			recipes, recipeTable := recipeRows()
			if a.JSON {
				a.Object(map[string]any{"types": types, "recipes": recipes})
				return nil
			}
			a.Table(a.Out, table)
			a.Printf("\n")
			a.Table(a.Out, recipeTable)
			return nil
		},
	}
}

// recipeRow is a recipe as it is listed.
type recipeRow struct {
	Name     string   `json:"name"`
	Aliases  []string `json:"aliases"`
	FileType uint32   `json:"file_type"`
	Default  string   `json:"default"`
}

// recipeRows lists the recipes, for JSON and for people.
func recipeRows() (rows []recipeRow, table [][]string) {
	table = [][]string{{"RECIPE", "FILE TYPE", "MOST TENSORS", "OTHER NAMES"}}
	for _, r := range quantize.Recipes() {
		row := recipeRow{r.Name, append([]string{}, r.Aliases()...), r.FileType, r.Default.String()}
		if r.Copy() {
			row.Default = "as they are"
		}
		rows = append(rows, row)
		table = append(table, []string{row.Name, fmt.Sprint(row.FileType), row.Default, strings.Join(row.Aliases, ", ")})
	}
	return rows, table
}
