package cli

import (
	"bytes"
	"context"
	"fmt"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// difference is one thing that two files do not share.
type difference struct {
	What string `json:"what"` // key or tensor
	Name string `json:"name"`
	A    string `json:"a"` // empty where a lacks it
	B    string `json:"b"`
}

// diffCommand compares two files.
func (a *app) diffCommand() *cobra.Command {
	var headers bool
	cmd := &cobra.Command{
		Use:   "diff A.gguf B.gguf",
		Short: "Compare two GGUF files: key-values, tensors, types, bytes",
		Long:  "Compares two GGUF files and ends with 3 where they differ.",
		Args:  flags.Args(2, 2, "two GGUF files"),
		RunE: func(cmd *cobra.Command, args []string) error {
			one, err := gguf.Open(args[0])
			if err != nil {
				return err
			}
			defer one.Close()
			two, err := gguf.Open(args[1])
			if err != nil {
				return err
			}
			defer two.Close()
			found := diffKVs(one.KVs(), two.KVs())
			tensors, err := diffTensors(cmd.Context(), one, two, headers)
			if err != nil {
				return err
			}
			found = append(found, tensors...)
			if a.JSON {
				a.Object(map[string]any{"equal": len(found) == 0, "differences": append([]difference{}, found...)})
			} else {
				rows := [][]string{}
				for _, d := range found {
					rows = append(rows, []string{d.What, d.Name, orAbsent(d.A), orAbsent(d.B)})
				}
				a.Table(a.Out, rows)
			}
			if len(found) > 0 {
				return fault.Check("%s and %s differ in %d places", args[0], args[1], len(found))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&headers, "headers", false, "compare names, shapes and types only, not the data")
	return cmd
}

func orAbsent(s string) string {
	if s == "" {
		return "(absent)"
	}
	return s
}

func diffKVs(one, two gguf.KVs) (found []difference) {
	for _, kv := range one {
		other, ok := two.Get(kv.Key)
		switch {
		case !ok:
			found = append(found, difference{"key", kv.Key, shorten(kv.Value, false, 0), ""})
		case !reflect.DeepEqual(kv.Value, other):
			found = append(found, difference{"key", kv.Key, typed(kv.Value), typed(other)})
		}
	}
	for _, kv := range two {
		if !one.Has(kv.Key) {
			found = append(found, difference{"key", kv.Key, "", shorten(kv.Value, false, 0)})
		}
	}
	return found
}

// typed writes a value with its type, which may be all that differs.
func typed(value any) string { return fmt.Sprintf("%s (%T)", shorten(value, false, 0), value) }

func diffTensors(ctx context.Context, one, two *gguf.File, headers bool) (found []difference, err error) {
	for _, t := range one.Tensors() {
		other, ok := two.Lookup(t.Name)
		if !ok {
			found = append(found, difference{"tensor", t.Name, headerText(t), ""})
			continue
		}
		if headerText(t) != headerText(other) {
			found = append(found, difference{"tensor", t.Name, headerText(t), headerText(other)})
			continue
		}
		if headers {
			continue
		}
		at, err := firstDifference(ctx, one, t, two, other)
		if err != nil {
			return nil, err
		}
		if at >= 0 {
			found = append(found, difference{"tensor", t.Name, fmt.Sprintf("byte %d differs", at), headerText(other)})
		}
	}
	for _, t := range two.Tensors() {
		if _, ok := one.Lookup(t.Name); !ok {
			found = append(found, difference{"tensor", t.Name, "", headerText(t)})
		}
	}
	return found, nil
}

func headerText(t gguf.TensorInfo) string {
	return fmt.Sprintf("%s %s", t.Type, ui.Shape(gguf.TrimShape(t.Shape)))
}

// firstDifference returns where the data of two tensors of equal size begin
// to differ, or -1.
func firstDifference(ctx context.Context, one *gguf.File, a gguf.TensorInfo, two *gguf.File, b gguf.TensorInfo) (int64, error) {
	const piece = 1 << 20
	p, q := make([]byte, piece), make([]byte, piece)
	for off := int64(0); off < a.Size(); off += piece {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n := min(piece, a.Size()-off)
		if _, err := one.ReadTensorAt(ctx, a, p[:n], off); err != nil {
			return 0, err
		}
		if _, err := two.ReadTensorAt(ctx, b, q[:n], off); err != nil {
			return 0, err
		}
		if bytes.Equal(p[:n], q[:n]) {
			continue
		}
		for i := range n {
			if p[i] != q[i] {
				return off + i, nil
			}
		}
	}
	return -1, nil
}
