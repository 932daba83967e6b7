package validate_test

import (
	"context"
	"fmt"
	"os"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/validate"
	"github.com/f190792d/mq/validate/template"
)

// A file that was just converted is compared with its checkpoint.
func ExampleFile() {
	dir, err := os.MkdirTemp("", "validate")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := dir + "/stories.gguf"
	if err := write(path, "../testdata/stories-llama"); err != nil {
		fmt.Println(err)
		return
	}
	report, err := validate.File(context.Background(), path, validate.Options{
		Against: "../testdata/stories-llama", Render: template.Render, Lint: template.Lint,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range report.Checks {
		fmt.Println(c.Name, c.Severity)
	}
	fmt.Println(report.Err())
	// Output:
	// layout pass
	// architecture pass
	// vocabulary pass
	// chat template warning
	// identity pass
	// numbers pass
	// logits pass
	// <nil>
}

// write converts a checkpoint without changing the type of its weights.
func write(path, source string) error {
	ckpt, err := hf.Open(context.Background(), source)
	if err != nil {
		return err
	}
	defer ckpt.Close()
	plan, err := convert.NewPlan(context.Background(), ckpt, convert.Options{Type: convert.Auto})
	if err != nil {
		return err
	}
	tensors := make([]gguf.TensorInfo, len(plan.Streams))
	for i, s := range plan.Streams {
		tensors[i] = s.TensorInfo
	}
	layout, err := gguf.NewPlan(plan.KVs, tensors)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w, err := gguf.NewWriter(file, layout)
	if err != nil {
		return err
	}
	for _, s := range plan.Streams {
		data := make([]byte, s.Size())
		if err := s.ReadRows(context.Background(), data, 0); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return w.Close()
}
