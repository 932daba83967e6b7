package hf

import (
	"errors"
	"io/fs"
	"path"

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

// ModuleConfig reads the configuration of a module.
func (f *Folder) ModuleConfig(m Module) (Config, error) {
	file := path.Join(m.Path, "config.json")
	config, err := f.ReadJSON(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, fault.Op("hf").Folder(f.name).File("modules.json").Corrupt(" names %s: %w", file, err)
	}
	return config, err
}
