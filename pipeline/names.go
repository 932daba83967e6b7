package pipeline

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// outputPath is where a result goes: the path given, or NAME-TYPE.gguf in dir.
// With several results the path must hold {type}, which stands for the type.
func outputPath(given, dir, name, typeName string, several bool) (string, error) {
	switch {
	case given == "":
		return filepath.Join(dir, name+"-"+typeName+".gguf"), nil
	case strings.Contains(given, "{type}"):
		return strings.ReplaceAll(given, "{type}", typeName), nil
	case several:
		return "", fault.File(given).Invalid("several types need an output name with {type} in it")
	}
	return given, nil
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

// modelName is what an output is named after: the folder, or the repository
// where the folder is a snapshot in the cache of Hugging Face, whose name is
// a commit.
func modelName(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	snapshots := filepath.Dir(filepath.Clean(dir))
	repository := strings.Split(filepath.Base(filepath.Dir(snapshots)), "--")
	if filepath.Base(snapshots) == "snapshots" && len(repository) > 1 && repository[0] == "models" {
		return repository[len(repository)-1]
	}
	return BaseName(dir)
}

// BaseName is the last element of a path, also of "." and of "dir/".
func BaseName(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return strings.TrimSuffix(filepath.Base(path), string(filepath.Separator))
}
