package pipeline

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// outputPath is where a result goes: the path given, or NAME.gguf in dir, of
// which name is all but the type. With several results the path must hold
// {type}, which stands for the type; {name} stands for the rest.
func outputPath(given, dir string, name fileName, typeName string, several bool) (string, error) {
	switch {
	case given == "":
		return filepath.Join(dir, name.with(typeName)+".gguf"), nil
	case several && !strings.Contains(given, "{type}"):
		return "", fault.File(given).Invalid("several types need an output name with {type} in it")
	}
	return strings.NewReplacer("{type}", typeName, "{name}", name.with("")).Replace(given), nil
}

// fileName is a name by the convention of GGUF files:
// BaseName-SizeLabel-FineTune-Version, then the type, then what the file is if
// not a whole model.
type fileName struct{ stem, kind string }

// namedBy makes the name of the file that has the given key-values. Where they
// name nothing it is that of the folder.
func namedBy(kvs gguf.KVs, folder string) fileName {
	text := func(key string) string {
		s, _ := kvs.String("general." + key)
		return s
	}
	parts := []string{cmp.Or(text("basename"), text("name"), folder), text("size_label"), text("finetune"), text("version")}
	for i, part := range parts {
		parts[i] = strings.Map(inName, strings.TrimSpace(part))
	}
	parts[0] = strings.TrimLeft(parts[0], "-.") // neither an option nor hidden
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	name := fileName{stem: strings.Join(parts, "-")}
	switch text("type") {
	case "mmproj":
		name.stem = "mmproj-" + name.stem
	case "adapter":
		name.kind = "-LoRA"
	}
	return name
}

// with completes a name by the type.
func (n fileName) with(typeName string) string {
	if typeName != "" {
		typeName = "-" + typeName
	}
	return n.stem + typeName + n.kind
}

// inName replaces what no file system, or not each, takes in a name.
func inName(r rune) rune {
	if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`/\:*?"<>|`, r) {
		return '-'
	}
	return r
}

// makeFolder makes the folder of an output, where that is asked for.
func (o Options) makeFolder(path string) error {
	if !o.Mkdir || o.PlanOnly {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fault.File(path).Invalid("its folder cannot be made: %w", err)
	}
	return nil
}

// Stem is the name of a GGUF file without extension, split suffix and type.
func Stem(path string) string {
	name := filepath.Base(path)
	if prefix, _, _, ok := gguf.ParseSplitPath(name); ok {
		name = prefix
	}
	name = strings.TrimSuffix(name, ".gguf")
	if i := strings.LastIndexAny(name, "-."); i > 0 {
		if _, err := quantize.ParseRecipe(name[i+1:]); err == nil && name[i+1:] != "" && (name[i+1] < '0' || name[i+1] > '9') {
			name = name[:i]
		}
	}
	return name
}

// BaseName is the last element of a path, also of "." and of "dir/".
func BaseName(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return strings.TrimSuffix(filepath.Base(path), string(filepath.Separator))
}
