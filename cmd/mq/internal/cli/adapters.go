package cli

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/pipeline"
)

func registerAdapters(f *pflag.FlagSet, adapters *[]string) {
	f.StringArrayVar(adapters, "lora", nil, "ADAPTER[:SCALE], a PEFT adapter folder to merge into the weights (repeatable)")
}

// openAdapters opens the folders that --lora names.
func openAdapters(ctx context.Context, texts []string) ([]hf.Adapter, error) {
	var list []hf.Adapter
	for _, text := range texts {
		dir, strength := text, 1.0
		if at := strings.LastIndexByte(text, ':'); at > 0 && !isFolder(text) {
			scale, err := strconv.ParseFloat(text[at+1:], 64)
			if err != nil {
				closeAdapters(list)
				return nil, fault.Invalid("--lora %s: %q is not a scale", text, text[at+1:])
			}
			dir, strength = text[:at], scale
		}
		ckpt, err := hf.OpenAdapter(ctx, dir)
		if err != nil {
			closeAdapters(list)
			return nil, err
		}
		list = append(list, hf.Adapter{Checkpoint: ckpt, Strength: strength})
	}
	return list, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func closeAdapters(list []hf.Adapter) {
	for _, a := range list {
		a.Close()
	}
}

// convertAdapter writes the file of an adapter, beside that of its base model.
func (a *app) convertAdapter(ctx context.Context, dir, base string, o pipeline.Options) error {
	adapter, err := hf.OpenAdapter(ctx, dir)
	if err != nil {
		return err
	}
	defer adapter.Close()
	model, err := a.Files.Open(ctx, base)
	if err != nil {
		return err
	}
	defer model.Close()
	path, err := pipeline.WriteAdapter(ctx, model, hf.Adapter{Checkpoint: adapter, Strength: 1}, o)
	if err != nil {
		return err
	}
	a.Wrote(path)
	return nil
}
