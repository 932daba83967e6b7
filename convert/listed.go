package convert

import (
	"context"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// listed takes the numbers that files list by layer out of the targets, and
// returns the lists as key-values.
func listed(ctx context.Context, targets []target, h arch.Hyper) ([]target, gguf.KVs, error) {
	var kvs gguf.KVs
	for _, t := range targets {
		if !t.listed {
			continue
		}
		template, layer, _ := arch.Template(t.name)
		key := strings.TrimPrefix(template, "blk.{i}.")
		value, err := number(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		list, ok := kvs.Get(key)
		if !ok {
			list = make([]float32, h.Layers)
			kvs.Set(key, list)
		}
		list.([]float32)[layer] = value
	}
	return slices.DeleteFunc(targets, func(t target) bool { return t.listed }), kvs, nil
}

// number reads a tensor of one number.
func number(ctx context.Context, t target) (float32, error) {
	size, _ := t.rows.DType.Bytes(1)
	raw, value := make([]byte, size), make([]float32, 1)
	if err := t.rows.Read(ctx, raw, 0); err != nil {
		return 0, err
	}
	return value[0], dtype.ToFloat32(value, raw, t.rows.DType)
}
