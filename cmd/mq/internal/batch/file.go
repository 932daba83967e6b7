// Package batch runs a matrix of models, types and checks from a file, keeps a
// state of what is finished and reports what came of it.
package batch

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/pipeline"
)

// File is a jobs.yaml: models × types × checks. Paths are relative to its
// folder.
type File struct {
	Output  string         `yaml:"output"` // with {model} and {type}
	Types   []string       `yaml:"types"`
	Checks  []string       `yaml:"checks"`
	Options map[string]any `yaml:"options"` // flags of mq quantize, by their long names
	Limits  Limits         `yaml:"limits"`
	Publish Publish        `yaml:"publish"`
	Models  []Model        `yaml:"models"`

	dir string
}

// Limits are those of the check called logits.
type Limits struct {
	MaxKLD  *float64 `yaml:"max-kld"`
	MinTop1 *float64 `yaml:"min-top1"`
}

// Model is a checkpoint folder or GGUF file. What it leaves out is taken
// from the file.
type Model struct {
	Path    string         `yaml:"path"`
	Name    string         `yaml:"name"`
	Types   []string       `yaml:"types"`
	Checks  []string       `yaml:"checks"`
	Options map[string]any `yaml:"options"`

	BaseModel string `yaml:"base-model"` // OWNER/NAME, for the card
}

// Read reads a jobs.yaml and checks all that can be checked in it.
func Read(path string) (*File, error) {
	text, err := atomicfile.ReadFile(path, atomicfile.MaxSettings)
	if err != nil {
		return nil, err
	}
	b := &File{Output: "{model}-{type}.gguf", dir: filepath.Dir(path)}
	if err := b.read(text); err != nil {
		return nil, fmt.Errorf("batch: %s: %w", path, err)
	}
	return b, b.checkPublish(path)
}

func (b *File) read(text []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fault.Invalid("%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 {
		return fault.Invalid("it is empty")
	}
	root := document.Content[0]
	if err := jobs.check(root, ""); err != nil {
		return err
	}
	if err := root.Decode(b); err != nil {
		return fault.Invalid("%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(b.Models) == 0 {
		return misplaced(under(root, "models"), "models", "it names no models")
	}
	if top1 := b.Limits.MinTop1; top1 != nil && !(*top1 >= 0 && *top1 <= 1) {
		return misplaced(under(root, "limits", "min-top1"), "limits.min-top1", "%g is not a share from 0 to 1", *top1)
	}
	if kld := b.Limits.MaxKLD; kld != nil && !(*kld >= 0) {
		return misplaced(under(root, "limits", "max-kld"), "limits.max-kld", "%g is negative", *kld)
	}
	names := map[string]bool{}
	for i := range b.Models {
		m, at := &b.Models[i], fmt.Sprintf("models[%d]", i)
		node := under(root, "models").Content[i]
		if key, err := b.complete(m); err != nil {
			place := at
			if key != "" {
				place += "." + key
			}
			return misplaced(under(node, key), place, "%w", err)
		}
		if names[m.Name] {
			return misplaced(under(node, "name"), at, "two models have the name %s; give them names of their own", m.Name)
		}
		names[m.Name] = true
	}
	if !strings.Contains(b.Output, "{type}") || len(b.Models) > 1 && !strings.Contains(b.Output, "{model}") {
		return misplaced(under(root, "output"), "output", "%s: {model} and {type} must be in it, so that every file has a name of its own", b.Output)
	}
	return nil
}

// complete fills in what a model leaves to the file. An error is about the
// value of a key.
func (b *File) complete(m *Model) (key string, err error) {
	if m.Path == "" {
		return "", fault.Invalid("it has no path")
	}
	if m.Name == "" {
		m.Name = pipeline.Stem(pipeline.BaseName(b.at(m.Path)))
	}
	if !filepath.IsLocal(m.Name) || strings.ContainsAny(m.Name, `/\`) {
		return "name", fault.Invalid("%q is a part of the outputs' names: it may not lead into another folder", m.Name)
	}
	if m.Types == nil {
		m.Types = b.Types
	}
	if len(m.Types) == 0 {
		return "", fault.Invalid("%s: no types are given", m.Path)
	}
	if m.Checks == nil {
		m.Checks = b.Checks
	}
	for _, name := range m.Checks {
		if _, ok := checks[name]; !ok && name != verifyCheck {
			return "checks", fault.Invalid("there is no check %q: take verify, structure, numbers, logits or rederive", name)
		}
	}
	options := map[string]any{}
	for _, from := range []map[string]any{b.Options, m.Options} {
		for key, value := range from {
			options[key] = value
		}
	}
	m.Options = options
	f, err := b.flags(m)
	if err != nil {
		return "options", err
	}
	f.Types = m.Types
	return "types", f.CheckTypes()
}

// at returns a path of the file as one of the working directory.
func (b *File) at(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(b.dir, path)
}

// fileOptions are the options whose value is a path.
var fileOptions = []string{"imatrix", "like", "tensor-type-file"}

// options turns a model's entry into options for some types.
func (b *File) options(ctx context.Context, m *Model, types []string) (o pipeline.Options, err error) {
	f, err := b.flags(m)
	if err != nil {
		return o, err
	}
	f.Types = types
	if err := f.Fill(ctx, &o, func(path string) (string, error) { return readFile(b.at(path)) }); err != nil {
		return o, err
	}
	o.Out = b.at(strings.ReplaceAll(b.Output, "{model}", m.Name))
	o.Verify = slices.Contains(m.Checks, verifyCheck)
	return o, nil
}

func readFile(path string) (string, error) {
	text, err := atomicfile.ReadFile(path, atomicfile.MaxText)
	return string(text), err
}

// flags turns the options of a model's entry into the flags of a command.
func (b *File) flags(m *Model) (*flags.Recipe, error) {
	f := &flags.Recipe{}
	cmd := &cobra.Command{}
	f.Register(cmd)
	cmd.Flags().BoolVar(&f.Options.AllowRequantize, "allow-requantize", false, "")
	for key, value := range m.Options {
		flag := cmd.Flags().Lookup(key)
		if flag == nil || flag.Hidden || key == "type" {
			return nil, fault.Invalid("there is no option %q%s", key, flags.DidYouMean(flags.Nearest(key, known(cmd), strings.ToLower)))
		}
		values, isList := value.([]any)
		if !isList {
			values = []any{value}
		}
		for _, v := range values {
			text := fmt.Sprint(v)
			if slices.Contains(fileOptions, key) {
				text = b.at(text)
			}
			if err := cmd.Flags().Set(key, text); err != nil {
				return nil, fault.Invalid("%s: %q cannot be read", key, text)
			}
		}
	}
	return f, flags.Check(cmd)
}

// known are the options that a jobs.yaml may name.
func known(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "type" {
			names = append(names, f.Name)
		}
	})
	return names
}
