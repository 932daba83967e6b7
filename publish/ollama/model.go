package ollama

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Model is all that Ollama is told of a model.
type Model struct {
	Files    []File
	Config   Config
	Template string // in Go's template language; empty: the prompt alone
	System   string
	Licenses []string
	Params   map[string]any // stop, num_ctx, temperature and others
	Warnings []string       // what will not work as with the model's own template
}

// File is one file of a model.
type File struct {
	Path string
	Kind string // model, projector or adapter
}

// Options say what a file does not.
type Options struct {
	// Render renders the file's own chat template, which is written in Jinja.
	// Without it no template is derived.
	Render func(ctx context.Context, source string, variables map[string]any) (string, error)
	// Template takes the place of the derived one.
	Template string
	System   string
	Licenses []string // texts; without any the file's own keys about its license
	Context  int64    // num_ctx; 0: the server's default
	// FileType names general.file_type, the number of a recipe.
	FileType func(number uint64) string
}

// Describe reads the headers of the files of a model: one of the model
// itself, and any projectors and adapters.
func Describe(ctx context.Context, paths []string, o Options) (*Model, error) {
	m := &Model{Params: map[string]any{}, System: o.System, Template: o.Template, Licenses: o.Licenses}
	m.Config = Config{Format: "gguf", Architecture: "amd64", OS: "linux"}
	if err := checkTemplate(o.Template); err != nil {
		return nil, err
	}
	models := 0
	for _, path := range paths {
		f, err := gguf.Open(path)
		if err != nil {
			return nil, err
		}
		kind, err := m.add(ctx, f, o)
		f.Close()
		if err != nil {
			return nil, err
		}
		m.Files = append(m.Files, File{path, kind})
		if kind == kindModel {
			models++
		}
	}
	if models != 1 {
		return nil, fault.Op("ollama").Invalid("%d files of a model are given; a model of Ollama has one, beside projectors and adapters", models)
	}
	return m, nil
}

// add reads one file.
func (m *Model) add(ctx context.Context, f *gguf.File, o Options) (kind string, err error) {
	kvs := f.KVs()
	if n := len(f.Parts()); n > 1 {
		return "", fault.Op("ollama").File(f.Name()).Unsupported("the model is a set of %d files, and Ollama reads one: merge the set first", n)
	}
	arch, _ := kvs.String("general.architecture")
	m.Config.Families = append(m.Config.Families, arch)
	switch t, _ := kvs.String("general.type"); {
	case t == "adapter":
		return kindAdapter, nil
	case t == "mmproj" || arch == "clip":
		return kindProjector, nil
	case t != "" && t != "model":
		return "", fault.Op("ollama").File(f.Name()).Key("general.type").Unsupported("it is %q, not a model, a projector or an adapter", t)
	}
	var elements int64
	for _, t := range f.Tensors() {
		elements += t.Elements()
	}
	m.Config.Family, m.Config.Parameters, m.Config.FileType = arch, human(elements), "unknown"
	if n, ok := kvs.Uint("general.file_type"); ok && o.FileType != nil {
		m.Config.FileType = cmp.Or(o.FileType(n), "unknown")
	}
	if len(m.Licenses) == 0 {
		m.Licenses = licenses(kvs)
	}
	if err := m.parameters(kvs, o.Context); err != nil {
		return "", fault.Op("ollama").File(f.Name()).Of(err)
	}
	return kindModel, m.chat(ctx, kvs, o)
}

// human writes a number of parameters as Ollama does.
func human(n int64) string {
	for _, u := range []struct {
		size   float64
		suffix string
		digits int
	}{{1e9, "B", 1}, {1e6, "M", 2}, {1e3, "K", 0}} {
		if x := float64(n) / u.size; x >= 1 {
			if x == math.Floor(x) {
				u.digits = 0
			}
			return fmt.Sprintf("%.*f%s", u.digits, x, u.suffix)
		}
	}
	return fmt.Sprint(n)
}

// licenses is what the keys of a file say of its license.
func licenses(kvs gguf.KVs) []string {
	var lines []string
	for _, key := range []string{"general.license.name", "general.license", "general.license.link"} {
		if text, ok := kvs.String(key); ok && text != "" {
			lines = append(lines, text)
		}
	}
	if lines == nil {
		return nil
	}
	return []string{strings.Join(lines, "\n") + "\n"}
}

// sampling are the parameters that a file may recommend, by Ollama's names.
var sampling = []struct{ key, name string }{
	{"temp", "temperature"}, {"top_k", "top_k"}, {"top_p", "top_p"}, {"min_p", "min_p"}, {"penalty_repeat", "repeat_penalty"},
	{"penalty_last_n", "repeat_last_n"},
}

// parameters takes over what the file recommends, and the length of context.
func (m *Model) parameters(kvs gguf.KVs, context int64) error {
	for _, p := range sampling {
		value, ok := kvs.Get("general.sampling." + p.key)
		switch x := value.(type) {
		case float32:
			m.Params[p.name] = json.Number(strconv.FormatFloat(float64(x), 'g', -1, 32))
		case int32:
			m.Params[p.name] = int64(x)
		default:
			if ok {
				return fault.Place{}.Key("general.sampling." + p.key).Corrupt("the value is not a number")
			}
		}
	}
	if context == 0 {
		return nil
	}
	most, ok := kvs.Uint(m.Config.Family + ".context_length")
	if ok && uint64(context) > most {
		return fault.Invalid("a context of %d tokens is longer than the %d of the model", context, most)
	}
	m.Params["num_ctx"] = context
	return nil
}

// special returns the spelling of a special token, empty without one.
func special(t *tokenizer.Tokenizer, role string) string {
	id, ok := t.Special(role)
	if !ok {
		return ""
	}
	text, _, _ := t.Token(id)
	return text
}
