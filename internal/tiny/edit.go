package tiny

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/formats/safetensors"
)

// Files are the parts of a checkpoint folder that tests change.
type Files struct {
	Config   map[string]any
	Tensors  []safetensors.Named
	Metadata map[string]string
}

// Tensor returns the tensor of a name; nil where there is none.
func (f *Files) Tensor(name string) *safetensors.Named {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i]
		}
	}
	return nil
}

// Edit changes config.json and model.safetensors of a folder.
func Edit(dir string, change func(*Files)) error {
	configPath, weightsPath := filepath.Join(dir, "config.json"), filepath.Join(dir, "model.safetensors")
	text, err := os.ReadFile(configPath)
	if err != nil {
		return err
	}
	var f Files
	if err := json.Unmarshal(text, &f.Config); err != nil {
		return err
	}
	weights, err := safetensors.Open(weightsPath)
	if err != nil {
		return err
	}
	defer weights.Close()
	f.Metadata = weights.Metadata()
	for _, t := range weights.Tensors() {
		data := make([]byte, t.Size)
		if _, err := weights.ReadAt(context.Background(), data, t.Offset); err != nil {
			return err
		}
		f.Tensors = append(f.Tensors, safetensors.Named{Name: t.Name, DType: t.DType, Shape: t.Shape, Data: data})
	}
	change(&f)
	if text, err = json.MarshalIndent(f.Config, "", "  "); err != nil {
		return err
	}
	if err := os.WriteFile(configPath, text, 0o644); err != nil {
		return err
	}
	file, err := os.Create(weightsPath)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := safetensors.Write(file, f.Tensors, f.Metadata); err != nil {
		return err
	}
	return file.Close()
}
