package validate_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/validate"
	"github.com/f190792d/mq/validate/template"
)

const stories = "../testdata/stories-llama"

// converted writes a checkpoint folder as a file in one of the recipes.
func converted(t *testing.T, dir, recipe string, importance *quantize.Importance) string {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	plan, err := convert.NewPlan(t.Context(), ckpt, convert.Options{Type: convert.Auto})
	if err != nil {
		t.Fatal(err)
	}
	return quantized(t, plan.KVs, plan.Streams, recipe, importance)
}

// quantized writes tensors as a file in one of the recipes.
func quantized(t *testing.T, kvs gguf.KVs, streams []gguf.Stream, recipe string, importance *quantize.Importance) string {
	t.Helper()
	r, err := quantize.ParseRecipe(recipe)
	if err != nil {
		t.Fatal(err)
	}
	infos := make([]gguf.TensorInfo, len(streams))
	for i, s := range streams {
		infos[i] = s.TensorInfo
	}
	plan, err := quantize.NewPlan(kvs, infos, quantize.Options{Recipe: r, Importance: importance})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model-"+recipe+".gguf")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out := []quantize.Output{{Plan: plan, Files: []io.WriterAt{file}}}
	if err := quantize.Run(context.Background(), streams, out, quantize.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	return path
}

// edited copies a file with other key-values, or with some tensors read from
// elsewhere.
func edited(t *testing.T, path string, kvs func(*gguf.KVs), streams func(*gguf.File) []gguf.Stream) string {
	t.Helper()
	in, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	keys := in.KVs().Clone()
	if kvs != nil {
		kvs(&keys)
	}
	var all []gguf.Stream
	if streams != nil {
		all = streams(in)
	} else {
		all = fileStreams(in)
	}
	infos := make([]gguf.TensorInfo, len(all))
	for i, s := range all {
		infos[i] = s.TensorInfo
	}
	plan, err := gguf.NewPlan(keys, infos)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "edited.gguf")
	file, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := plan.WriteFrame(file); err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		data := make([]byte, s.Size())
		if err := s.ReadRows(t.Context(), data, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := plan.TensorWriter(file, i).WriteAt(data, 0); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func fileStreams(f *gguf.File) []gguf.Stream {
	var all []gguf.Stream
	for _, t := range f.Tensors() {
		all = append(all, f.Stream(t))
	}
	return all
}

// check validates a file and fails where it cannot be validated at all.
func check(t *testing.T, path string, o validate.Options) *validate.Report {
	t.Helper()
	o.Render, o.Lint = template.Render, template.Lint
	r, err := validate.File(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
