package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/quantize"
)

// typesCommand lists the block types and the recipes over them.
func (a *app) typesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "types",
		Short: "List the tensor types and the quantization recipes",
		Args:  flags.Args(0, 0, "no arguments"),
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

// archsCommand lists the architectures that convert and run.
func (a *app) archsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "archs",
		Short: "List the supported model architectures",
		Long: `List the supported model architectures and what each class is held to: the number of small models whose logits, from the
checkpoint and from the file, are transformers', and how far llama.cpp's predictions from those files are from transformers', in
nats. A class without models is another name of one that has them.`,
		Args: flags.Args(0, 0, "no arguments"),
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
