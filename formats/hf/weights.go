package hf

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Layout is a way of storing weights in a folder.
type Layout uint8

// The layouts.
const (
	Transformers  Layout = iota // safetensors as the transformers library writes them
	MistralNative               // consolidated*.safetensors with params.json
	PyTorch                     // pytorch_model*.bin, pickled
)

var layouts = [...]struct{ name, config string }{
	Transformers:  {"transformers", "config.json"},
	MistralNative: {"mistral", "params.json"},
	PyTorch:       {"pytorch", "config.json"},
}

func (l Layout) String() string     { return layouts[l].name }
func (l Layout) configFile() string { return layouts[l].config }

// weights is what a folder offers: files, sorted, and their index if it has one.
type weights struct {
	layout Layout
	files  []string
	index  *index
}

// sources are tried in turn; the first with an index or a file wins. Files are
// those with the prefix and suffix and with none of the other prefixes.
var sources = []struct {
	layout         Layout
	index          string
	prefix, suffix string
	not            []string
}{
	{Transformers, "model.safetensors.index.json", "model", ".safetensors", nil},
	{Transformers, "", "", ".safetensors", []string{"adapter", "consolidated"}},
	{MistralNative, "consolidated.safetensors.index.json", "consolidated", ".safetensors", nil},
	{PyTorch, "pytorch_model.bin.index.json", "pytorch_model", ".bin", nil},
}

func findWeights(f *Folder) (weights, error) {
	names, err := f.list()
	if err != nil {
		return weights{}, err
	}
	native := !slices.Contains(names, "config.json") && slices.Contains(names, "params.json")
	for _, s := range sources {
		if native && s.layout == Transformers {
			continue // without a config.json such files are something else
		}
		w := weights{layout: s.layout}
		if slices.Contains(names, s.index) {
			if w.index, err = readIndex(f, s.index); err != nil {
				return weights{}, err
			}
			w.files = w.index.files
			return w, allPresent(f, s.index, w.files)
		}
		for _, name := range names {
			other := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
			if strings.HasPrefix(name, s.prefix) && strings.HasSuffix(name, s.suffix) && !slices.ContainsFunc(s.not, other) {
				w.files = append(w.files, name)
			}
		}
		if len(w.files) > 0 {
			return w, wholeSet(f, w.files)
		}
	}
	return weights{}, noWeights(f, names)
}

func allPresent(f *Folder, index string, files []string) error {
	var absent []string
	for _, name := range files {
		switch _, err := f.stat(name); {
		case missing(err):
			absent = append(absent, name)
		case err != nil:
			return err
		}
	}
	if absent != nil {
		return fault.Op("hf").Folder(f.name).Corrupt("%s names %d files that are missing: %s", index, len(absent), join(absent))
	}
	return nil
}

var numbered = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})(\.\w+)$`)

// wholeSet demands all parts of a set that is numbered "-00001-of-00003" when
// no index tells.
func wholeSet(f *Folder, files []string) error {
	for _, name := range files {
		part := numbered.FindStringSubmatch(name)
		if part == nil {
			continue
		}
		count, err := strconv.Atoi(part[3])
		if err != nil {
			continue
		}
		var absent []string
		for i := 1; i <= count; i++ {
			want := fmt.Sprintf("%s-%05d-of-%s%s", part[1], i, part[3], part[4])
			if !slices.Contains(files, want) {
				absent = append(absent, want)
			}
		}
		if absent != nil {
			return fault.Op("hf").Folder(f.name).Corrupt("%d parts of the set of %s are missing: %s", len(absent), name, join(absent))
		}
	}
	return nil
}

// strangers explains folders that people try instead of a checkpoint.
var strangers = []struct{ match, says string }{
	{`^adapter_config\.json$|^adapter_model\.`, "this is an adapter (LoRA) folder, which changes another model; merge it into its base model first%s"},
	{`\.gguf$`, "it holds GGUF files, not a checkpoint; name the file itself"},
	{`^consolidated.*\.pth$`, "it holds Meta's original .pth files; use the repository's converted (\"-hf\") files"},
	{`\.(bin|pt|pth|ckpt)$`, "its weights are pickled under names other than pytorch_model*.bin; save them as safetensors"},
	{`\.(h5|msgpack|ot|onnx)$`, "its weights are for TensorFlow, JAX, Rust or ONNX; use the safetensors files"},
}

func noWeights(f *Folder, names []string) error {
	for _, s := range strangers {
		match := regexp.MustCompile(s.match)
		for _, name := range names {
			if !match.MatchString(name) {
				continue
			}
			says := s.says
			if strings.Contains(says, "%s") {
				says = fmt.Sprintf(says, baseModel(f))
			}
			return fault.Op("hf").Folder(f.name).Unsupported("no weights: %s (%s)", says, name)
		}
	}
	return fault.Op("hf").Folder(f.name).Corrupt("no weights: no *.safetensors or pytorch_model*.bin found")
}

func baseModel(f *Folder) string {
	adapter, err := f.ReadJSON("adapter_config.json")
	if err != nil {
		return ""
	}
	base, err := adapter.String("base_model_name_or_path")
	if err != nil || len(base) > 200 {
		return ""
	}
	return fmt.Sprintf(", %q", base)
}
