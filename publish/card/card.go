package card

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// Options say what the files do not.
type Options struct {
	Repo        string // OWNER/NAME where the files will lie; empty: commands run the files themselves
	BaseModel   string // OWNER/NAME; empty: the repository that the file says it was made from
	QuantizedBy string // empty: what the file says, else the owner of Repo
	License     string // empty: what the file says
	Report      []byte // in JSON, beside the ones that lie with the files
	// FileType names general.file_type, the number of a recipe.
	FileType func(number uint64) string
}

// Card is all that a page says.
type Card struct {
	Options
	Title    string
	Files    []File
	Warnings []string // reports that are of other files

	front front
}

// File is a GGUF file, or a split set under its first.
type File struct {
	Name     string // of the first of a set
	Paths    []string
	Kind     string // model, mmproj or adapter
	Type     string // Q4_K_M
	Bytes    int64
	Bits     float64 // per weight
	Matrix   bool    // made with an importance matrix
	Measured *Figures

	kvs gguf.KVs
}

// The kinds of files.
const (
	kindModel     = "model"
	kindProjector = "mmproj"
	kindAdapter   = "adapter"
)

// Describe reads the headers of files and the reports beside them.
func Describe(paths []string, o Options) (*Card, error) {
	c := &Card{Options: o}
	for _, path := range paths {
		f, err := gguf.Open(path)
		if err != nil {
			return nil, err
		}
		file := describe(f, o)
		f.Close()
		if !slices.ContainsFunc(c.Files, func(other File) bool { return other.Paths[0] == file.Paths[0] }) { // another of a set
			c.Files = append(c.Files, file)
		}
	}
	if len(c.Files) == 0 {
		return nil, fault.Op("card").Invalid("no files are given")
	}
	slices.SortStableFunc(c.Files, func(a, b File) int {
		return cmp.Or(strings.Compare(order(a.Kind), order(b.Kind)), cmp.Compare(a.Bits, b.Bits), cmp.Compare(a.Bytes, b.Bytes))
	})
	if err := c.measure(); err != nil {
		return nil, err
	}
	c.fill(c.Files[0].kvs)
	return c, nil
}

// order puts models before what goes with them.
func order(kind string) string {
	if kind == kindModel {
		return ""
	}
	return kind
}

func describe(f *gguf.File, o Options) File {
	kvs := f.KVs()
	file := File{Paths: f.Parts(), Bytes: f.Size(), Kind: kindModel, kvs: kvs}
	file.Name = filepath.Base(file.Paths[0])
	var elements, size int64
	for _, t := range f.Tensors() {
		elements += t.Elements()
		size += t.Size()
	}
	if elements > 0 {
		file.Bits = float64(size) * 8 / float64(elements)
	}
	if n, ok := kvs.Uint("general.file_type"); ok && o.FileType != nil {
		file.Type = o.FileType(n)
	}
	arch, _ := kvs.String("general.architecture")
	switch t, _ := kvs.String("general.type"); {
	case t == kindAdapter:
		file.Kind = kindAdapter
	case t == kindProjector || arch == "clip":
		file.Kind = kindProjector
	}
	_, file.Matrix = kvs.Get("quantize.imatrix.file")
	return file
}
