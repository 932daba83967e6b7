package hf

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Module is one step of how sentence-transformers makes an embedding of a
// text.
type Module struct {
	Type string // a Python class, e.g. "sentence_transformers.models.Pooling"
	Path string // of its folder
}

// Modules reads modules.json, the steps in order; nil where there is none.
func (f *Folder) Modules() ([]Module, error) {
	text, err := f.readBounded("modules.json", maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var modules []Module
	if err := UnmarshalJSON(text, &modules); err != nil {
		return nil, fault.Op("hf").Folder(f.name).File("modules.json").Corrupt("%w", err)
	}
	return modules, nil
}

// Dense reports whether the step is a matrix that an embedding is multiplied
// with.
func (m Module) Dense() bool { return strings.HasSuffix(m.Type, ".Dense") }

// readModules adds the matrices of modules to the tensors, under names that
// begin with the module's folder: "2_Dense.linear.weight".
func (c *Checkpoint) readModules(ctx context.Context) error {
	modules, _ := c.Modules() // whoever asks for them is told what is wrong
	for _, m := range modules {
		file := path.Join(m.Path, sources[0].single)
		if !m.Dense() || !c.Exists(file) {
			continue
		}
		s, err := openShard(ctx, c.Folder, file, Transformers)
		if err != nil {
			return err
		}
		c.shards = append(c.shards, s)
		for _, t := range s.tensors {
			t.Name = m.Path + "." + t.Name
			c.tensors = append(c.tensors, t)
		}
	}
	return nil
}

// ModuleConfig reads the configuration of a module.
func (f *Folder) ModuleConfig(m Module) (Config, error) {
	file := path.Join(m.Path, "config.json")
	config, err := f.ReadJSON(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, fault.Op("hf").Folder(f.name).File("modules.json").Corrupt(" names %s: %w", file, err)
	}
	return config, err
}
