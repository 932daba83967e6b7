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
	AdapterLayout               // adapter_model.safetensors or .bin of PEFT
	MetaNative                  // consolidated.*.pth with params.json, a part of every matrix in each
)

var layouts = [...]struct{ name, config string }{
	Transformers:  {"transformers", "config.json"},
	MistralNative: {"mistral", "params.json"},
	PyTorch:       {"pytorch", "config.json"},
	AdapterLayout: {"adapter", adapterConfig},
	MetaNative:    {"meta", "params.json"},
}

func (l Layout) String() string     { return layouts[l].name }
func (l Layout) configFile() string { return layouts[l].config }

// weights is what a folder offers: files, sorted, and their index if it has one.
type weights struct {
	layout Layout
	files  []string
	index  *index
	notes  []string
}

// sources are tried in turn: a single file by its name, as transformers does,
// then the files of an index, then those with the prefix and suffix and with
// none of the other prefixes.
var sources = []struct {
	layout                 Layout
	single, prefix, suffix string
	not                    []string
}{
	{Transformers, "model.safetensors", "model", ".safetensors", nil},
	{Transformers, "", "", ".safetensors", []string{"adapter", "consolidated"}},
	{MistralNative, "consolidated.safetensors", "consolidated", ".safetensors", nil},
	{PyTorch, "pytorch_model.bin", "pytorch_model", ".bin", nil},
	{MetaNative, "", "consolidated", ".pth", nil},
}

func findWeights(f *Folder) (weights, error) {
	names, err := f.list()
	if err != nil {
		return weights{}, err
	}
	native := !slices.Contains(names, "config.json") && slices.Contains(names, "params.json")
	for _, s := range sources {
		if native && s.layout == Transformers || !native && s.layout == MetaNative {
			continue // without a config.json such files are something else
		}
		w := weights{layout: s.layout}
		single := s.single != "" && slices.Contains(names, s.single)
		index := s.single + ".index.json"
		if single {
			w.files = []string{s.single}
			w.preferred(f, names, index)
		} else if s.single != "" && slices.Contains(names, index) {
			if w.index, err = readIndex(f, index); err != nil {
				return weights{}, err
			}
			w.files = w.index.files
			if err := allPresent(f, index, w.files); err != nil {
				return weights{}, err
			}
		} else {
			for _, name := range names {
				other := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
				if strings.HasPrefix(name, s.prefix) && strings.HasSuffix(name, s.suffix) && !slices.ContainsFunc(s.not, other) {
					w.files = append(w.files, name)
				}
			}
			if err := wholeSet(f, w.files); err != nil {
				return weights{}, err
			}
		}
		if len(w.files) > 0 {
			w.unused(f, names)
			return w, nil
		}
	}
	return weights{}, noWeights(f, names)
}

// preferred says that a single file goes before an index beside it.
func (w *weights) preferred(f *Folder, names []string, index string) {
	if !slices.Contains(names, index) {
		return
	}
	says := "cannot be read"
	if x, err := readIndex(f, index); err == nil {
		if slices.Equal(x.files, w.files) {
			return
		}
		says = "names " + join(x.files)
	}
	w.notes = append(w.notes, fmt.Sprintf("%s: the weights are those of %s, as transformers chooses; %s, which %s, is not used", f.name, w.files[0], index, says))
}

// unused names the weight files that lie beside those that are read.
func (w *weights) unused(f *Folder, names []string) {
	var left []string
	for _, name := range names {
		if holdsWeights.MatchString(name) && !slices.Contains(w.files, name) {
			left = append(left, name)
		}
	}
	if left != nil {
		w.notes = append(w.notes, fmt.Sprintf("%s: the weights are those of %s; weight files that are not used: %s", f.name, join(w.files), join(left)))
	}
}

var holdsWeights = regexp.MustCompile(`\.safetensors$|^pytorch_model.*\.bin$|^consolidated.*\.pth$|^adapter_model\.`)

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

var numbered = regexp.MustCompile(`^(.*)-(\d{5,6})-of-(\d{5,6})(\.\w+)$`)

// wholeSet demands all parts of a set that is numbered "-00001-of-00003" and
// has no index.
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

// unsupportedLayouts explains folders that look like checkpoints.
var unsupportedLayouts = []struct{ match, says string }{
	{`^adapter_config\.json$|^adapter_model\.`, "this is an adapter (LoRA) folder, which changes another model%s"},
	{`\.gguf$`, "it holds GGUF files, not a checkpoint; name the file itself"},
	{`^consolidated.*\.pth$`, "it holds Meta's original .pth files without their params.json; put that beside them"},
	{`\.(bin|pt|pth|ckpt)$`, "its weights are pickled under names other than pytorch_model*.bin; save them as safetensors"},
	{`\.(h5|msgpack|ot|onnx)$`, "its weights are for TensorFlow, JAX, Rust or ONNX; use the safetensors files"},
}

func noWeights(f *Folder, names []string) error {
	for _, s := range unsupportedLayouts {
		match := regexp.MustCompile(s.match)
		for _, name := range names {
			if !match.MatchString(name) {
				continue
			}
			at := fault.Op("hf").Folder(f.name)
			if strings.Contains(s.says, "%s") {
				return at.Kind(ErrAdapter).Unsupported("no weights: "+s.says+" (%s)", baseModel(f), name)
			}
			return at.Unsupported("no weights: %s (%s)", s.says, name)
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
