package arch

import (
	"errors"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// ErrClass marks the error of a class that no architecture serves.
var ErrClass = errors.New("an unknown class")

// Of finds the architecture of a checkpoint: the described one where it is to
// be read by a description, else that of the table which serves its class.
func Of(config hf.Config) (Arch, error) {
	class, err := Class(config)
	if err != nil {
		return Arch{}, err
	}
	a, ok := ByClass(class)
	if r := config.Reading(); r.Description != "" {
		if a, err = Described(r); err != nil {
			return Arch{}, err
		}
		if !slices.Contains(a.Classes, class) {
			return Arch{}, config.At("arch", "architectures").Kind(ErrClass).Invalid("class %s is not one that %s describes: %s", class, r.File, strings.Join(a.Classes, ", "))
		}
		return a, nil
	}
	if !ok {
		return Arch{}, config.At("arch", "architectures").Kind(ErrClass).Unsupported("class %s is not supported%s; docs/adding-an-architecture.md says how to add one", class, nearest("; the nearest that is: ", class))
	}
	return a, nil
}

// VocabularyFor returns how the vocabulary of a checkpoint is written.
func VocabularyFor(config hf.Config) Vocabulary {
	if a, err := Of(config); err == nil {
		return a.Vocabulary
	}
	class, _ := Class(config) // without one the common rules hold
	return vocabularies[class]
}

// OfFile finds the architecture of a GGUF file: that of the table which it
// names, else the described one of that name. A description does not change
// what a known name means to those who load the file.
func OfFile(kvs gguf.KVs, r hf.Reading) (Arch, error) {
	name, ok := kvs.String("general.architecture")
	if !ok {
		return Arch{}, fault.Op("arch").Key("general.architecture").Corrupt(" is missing")
	}
	if a, ok := ByName(name); ok {
		return a, nil
	}
	if r.Description != "" {
		a, err := Described(r)
		if err != nil || a.Name == name {
			return a, err
		}
	}
	return Arch{}, fault.Op("arch").Key("general.architecture").Unsupported("architecture %q is not supported", name)
}
