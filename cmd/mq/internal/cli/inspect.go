package cli

import (
	"context"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/quantize"
)

// description is what inspect tells about a file or a checkpoint folder.
type description struct {
	Format  string         `json:"format"`
	Path    string         `json:"path"`
	Parts   []string       `json:"parts,omitempty"`
	KV      map[string]any `json:"kv"`
	Tensors []tensorRow    `json:"tensors"`
	Bytes   int64          `json:"bytes"`

	Count      int     `json:"tensor_count"`     // also where Tensors is left out
	Recipe     string  `json:"recipe,omitempty"` // that general.file_type names
	Parameters int64   `json:"parameters"`       // elements of all tensors
	Bits       float64 `json:"bpw"`              // of the tensors' data

	keys []string // of KV, in their order
}

type tensorRow struct {
	Name  string  `json:"name"`
	Shape []int64 `json:"shape"`
	Type  string  `json:"type"`
	Bytes int64   `json:"bytes"`
}

// inspectCommand prints key-values and tensors.
func (a *app) inspectCommand() *cobra.Command {
	var noTensors, full bool
	cmd := &cobra.Command{
		Use:   "inspect FILE|DIR",
		Short: "Print the key-values and tensors of a GGUF file or a checkpoint folder",
		Args:  flags.Args(1, 1, "FILE or DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := describe(cmd.Context(), args[0], a.Files)
			if err != nil {
				return err
			}
			if noTensors {
				d.Tensors = nil
			}
			if a.JSON {
				for key, value := range d.KV {
					d.KV[key] = jsonValue(value)
				}
				a.Object(d)
				return nil
			}
			a.printDescription(d, full)
			return nil
		},
	}
	cmd.Flags().BoolVar(&noTensors, "no-tensors", false, "leave the list of tensors out")
	cmd.Flags().BoolVar(&full, "full", false, "print long strings and arrays whole")
	flags.Excludes(cmd.Flags(), "json", "full")
	return cmd
}

func describe(ctx context.Context, path string, files hf.Options) (*description, error) {
	folder, err := files.IsFolder(path)
	if err != nil {
		return nil, err
	}
	if folder {
		return describeCheckpoint(ctx, path, files)
	}
	file, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	d := &description{Format: fmt.Sprintf("GGUF v%d", file.Version()), Path: path, KV: map[string]any{}, Bytes: file.Size()}
	if parts := file.Parts(); len(parts) > 1 {
		d.Parts = parts
	}
	for _, kv := range file.KVs() {
		d.KV[kv.Key] = kv.Value
		d.keys = append(d.keys, kv.Key)
	}
	if number, ok := file.KVs().Uint("general.file_type"); ok {
		if r, err := quantize.ParseRecipe(strconv.FormatUint(number, 10)); err == nil {
			d.Recipe = r.Name
		}
	}
	for _, t := range file.Tensors() {
		d.add(tensorRow{t.Name, t.Shape, t.Type.String(), t.Size()}, t.Elements())
	}
	return d, nil
}

func describeCheckpoint(ctx context.Context, dir string, files hf.Options) (*description, error) {
	ckpt, err := files.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer ckpt.Close()
	d := &description{Format: "checkpoint", Path: dir}
	d.KV = ckpt.Config().Values()
	d.keys = slices.Sorted(maps.Keys(d.KV))
	for _, t := range ckpt.Tensors() {
		elements := int64(1)
		for _, n := range t.Shape {
			elements *= n
		}
		d.add(tensorRow{t.Name, t.Shape, t.DType.String(), t.Size}, elements)
		d.Bytes += t.Size
	}
	return d, nil
}

// add counts a tensor.
func (d *description) add(t tensorRow, elements int64) {
	data := d.Bits * float64(d.Parameters)
	d.Tensors, d.Count, d.Parameters = append(d.Tensors, t), d.Count+1, d.Parameters+elements
	d.Bits = (data + 8*float64(t.Bytes)) / max(float64(d.Parameters), 1)
}

// summary says in a line what a model is.
func (d *description) summary() string {
	parts := []string{d.Path, d.Format, ui.Bytes(d.Bytes)}
	if d.Recipe != "" {
		parts = append(parts, d.Recipe)
	}
	if d.Parameters > 0 {
		parts = append(parts, ui.Count(d.Parameters)+" parameters", fmt.Sprintf("%.2f bits per weight", d.Bits))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d key-values", len(d.keys)), fmt.Sprintf("%d tensors", d.Count)), "  ")
}

func (a *app) printDescription(d *description, full bool) {
	a.Printf("%s\n", d.summary())
	for _, part := range d.Parts {
		a.Printf("part  %s\n", part)
	}
	width, _ := ui.Terminal(a.Out)
	rows := [][]string{{"", ""}}
	for _, key := range d.keys {
		if d.KV[key] == nil {
			continue // a null of config.json
		}
		rows = append(rows, []string{key, shorten(d.KV[key], full, width)})
	}
	a.Table(a.Out, rows)
	if len(d.Tensors) == 0 {
		return
	}
	rows = [][]string{{"", "", "", ""}}
	for _, t := range d.Tensors {
		rows = append(rows, []string{t.Name, t.Type, ui.Shape(t.Shape), ui.Bytes(t.Bytes)})
	}
	a.Table(a.Out, rows)
}

// shorten writes a value on one line: long strings and arrays are cut unless
// full, harder on a narrow terminal.
func shorten(value any, full bool, width int) string {
	limit := 72
	if width > 0 {
		limit = max(24, width-48)
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice {
		shown := v.Len()
		if !full {
			shown = min(shown, 6)
		}
		items := make([]string, 0, shown+1)
		for i := range shown {
			items = append(items, scalarText(v.Index(i).Interface()))
		}
		if shown < v.Len() {
			items = append(items, fmt.Sprintf("… %d in all", v.Len()))
		}
		return "[" + strings.Join(items, " ") + "]"
	}
	text := scalarText(value)
	if runes := []rune(text); !full && len(runes) > limit {
		return fmt.Sprintf("%s… %d characters", string(runes[:limit]), len(runes))
	}
	return text
}

func scalarText(value any) string {
	switch v := value.(type) {
	case string:
		return strings.Trim(strconv.Quote(v), `"`)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	}
	return fmt.Sprint(value)
}

// jsonValue makes a key-value fit for JSON, which has no infinities and would
// print bytes as base64.
func jsonValue(value any) any {
	switch v := value.(type) {
	case []uint8:
		ints := make([]int, len(v))
		for i, b := range v {
			ints[i] = int(b)
		}
		return ints
	case float32:
		return finiteOrText(float64(v), value)
	case float64:
		return finiteOrText(v, value)
	case []float32:
		if slices.ContainsFunc(v, func(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) }) {
			texts := make([]any, len(v))
			for i, x := range v {
				texts[i] = jsonValue(x)
			}
			return texts
		}
	}
	return value
}

func finiteOrText(x float64, value any) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Sprint(x)
	}
	return value
}
