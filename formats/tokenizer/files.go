package tokenizer

import (
	"errors"
	"io/fs"
	"regexp"
	"slices"
)

// Files gives the files of a checkpoint by name; fs.ErrNotExist where there is
// none. hf.Checkpoint is one.
type Files interface {
	ReadFile(name string) ([]byte, error)
}

// optional returns a file's contents, nil where there is none.
func optional(files Files, name string) ([]byte, error) {
	raw, err := files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}

// List returns the names in a folder of the checkpoint where the files can be
// listed, as those of an hf.Folder can, else nothing.
func List(files Files, dir string) []string {
	lister, ok := files.(interface {
		List(dir string) ([]string, error)
	})
	if !ok {
		return nil
	}
	names, err := lister.List(dir)
	if err != nil {
		return nil
	}
	return names
}

// versionedModel is the name of a SentencePiece model of Mistral's own format:
// tokenizer.model.v3, and v7m1 where it goes with images. Without a version it
// is the first.
var versionedModel = regexp.MustCompile(`^[^.]*\.model(?:\.(v[0-9]+)(?:m[0-9]+)?)?$`)

// MistralFile returns the name of the vocabulary in Mistral's own format and,
// of a SentencePiece model, its version: tekken.json, else the last model by
// name; "" where there is neither. A model without a version counts only in a
// checkpoint whose whole format is Mistral's.
func MistralFile(files Files, native bool) (name, version string) {
	if raw, err := optional(files, "tekken.json"); err == nil && raw != nil {
		return "tekken.json", ""
	}
	for _, name := range slices.Backward(List(files, ".")) {
		if m := versionedModel.FindStringSubmatch(name); m != nil && (m[1] != "" || native) {
			return name, m[1]
		}
	}
	return "", ""
}
