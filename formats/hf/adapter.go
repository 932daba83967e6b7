package hf

import (
	"context"
	"errors"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// ErrAdapter marks the error of a folder with changes to another model, where a
// model is wanted.
var ErrAdapter = errors.New("an adapter")

// adapterConfig says what the tensors of an adapter mean.
const adapterConfig = "adapter_config.json"

// Adapter is an open folder of PEFT with changes to the weights of another
// checkpoint, and how strongly they are wanted.
type Adapter struct {
	*Checkpoint
	Strength float64 // 1: as trained
}

// OpenAdapter opens an adapter folder and reads the header of its weight file.
// Tensors keep the names that they are stored under.
func OpenAdapter(ctx context.Context, dir string) (*Checkpoint, error) {
	plain, err := OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	f := plain.WithContext(ctx)
	names, err := f.list()
	if err != nil {
		return nil, err
	}
	w := weights{layout: AdapterLayout}
	for _, name := range []string{"adapter_model.safetensors", "adapter_model.bin"} {
		if slices.Contains(names, name) && w.files == nil {
			w.files = []string{name}
		}
	}
	if w.files == nil || !slices.Contains(names, adapterConfig) {
		return nil, fault.Op("hf").Folder(f.name).Corrupt("an adapter has the files %s and adapter_model.safetensors or adapter_model.bin", adapterConfig)
	}
	c := &Checkpoint{Folder: f, layout: w.layout, byName: map[string]Tensor{}}
	if c.config, err = f.ReadJSON(adapterConfig); err != nil {
		return nil, err
	}
	if err := c.read(ctx, w); err != nil {
		c.Close()
		return nil, err
	}
	c.Folder = plain
	return c, nil
}
