package validate

import (
	"context"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Options tell what to check and against what. The zero value checks a file
// by itself.
type Options struct {
	Against string // a checkpoint folder or a GGUF file that the file was made from
	Limits  Limits
	Workers int // goroutines; 0 for one on each processor

	SkipNumbers bool // leave the tensors' values out
	SkipLogits  bool // do not run the models

	// Render renders the chat template of the file: template.Render, of the
	// package below this one. Without it templates are parsed only as far as
	// their delimiters and blocks go.
	Render Renderer

	// Progress is called, from one goroutine at a time, with the step that is
	// worked on, what it is at, and how far: [StepTensors] counts bytes,
	// [StepLogits] models.
	Progress func(step, note string, done, total int64)
}

// A Renderer renders a chat template with variables.
type Renderer func(ctx context.Context, source string, variables map[string]any) (string, error)

// The steps that take time.
const (
	StepTensors = "comparing tensors"
	StepLogits  = "running both models"
)

// Limits are what the comparison of logits has to keep to. Where one is nil,
// a limit that fits the file's bits per weight is taken.
type Limits struct {
	MaxKLD   *float64 // mean Kullback-Leibler divergence, nats
	MinTop1  *float64 // share of positions with the same most likely token
	MaxRatio *float64 // perplexity over that of the source
}

// File validates a GGUF file, or the set that a part of a split file belongs
// to. What is wrong with the file stands in the report, even where it cannot
// be opened; the error tells what kept the validation from its work: a source
// that cannot be read, or ctx.
func File(ctx context.Context, path string, o Options) (*Report, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Progress == nil {
		o.Progress = func(string, string, int64, int64) {}
	}
	r := &Report{File: filepath.Base(path)}
	f, err := gguf.Open(path)
	if err != nil {
		if structural(err) {
			return r.refuse(err), nil
		}
		return nil, err
	}
	defer f.Close()
	var source *reference
	if o.Against != "" {
		if source, err = openReference(ctx, o.Against); err != nil {
			return nil, err
		}
		defer func() { _ = source.close() }() // only read
		r.Source = filepath.Base(o.Against)
	}
	v := &validation{Options: o, Report: r, path: path, file: f, source: source}
	v.describe()
	v.layout()
	v.architecture()
	v.vocabulary()
	checkTemplate(ctx, r, f.KVs(), v.tokens, o.Render)
	v.identity()
	if err := v.numbers(ctx); err != nil {
		return nil, err
	}
	if err := v.logits(ctx); err != nil {
		return nil, err
	}
	for i := range r.Tensors {
		for _, finding := range r.Findings {
			if finding.Tensor == r.Tensors[i].Name && finding.Severity != Note {
				r.Tensors[i].Severity = worse(r.Tensors[i].Severity, finding.Severity)
			}
		}
	}
	return r.close(), nil
}

// validation is the state of one call of File.
type validation struct {
	Options
	*Report
	path   string
	file   *gguf.File
	source *reference // nil where there is none

	arch   *arch.Arch // nil where it is not known
	hyper  arch.Hyper // valid where arch is known
	tokens *tokenizer.Tokenizer
}

// describe fills in what the header tells.
func (v *validation) describe() {
	kvs := v.file.KVs()
	v.Bytes = v.file.Size()
	v.Name, _ = kvs.String("general.name")
	v.Arch, _ = kvs.String("general.architecture")
	if parts := v.file.Parts(); len(parts) > 1 {
		for _, part := range parts {
			v.Parts = append(v.Parts, filepath.Base(part))
		}
	}
	var bytes int64
	for _, t := range v.file.Tensors() {
		template, layer, _ := arch.Template(t.Name)
		v.Tensors = append(v.Tensors, Tensor{
			Name: t.Name, Kind: strings.TrimPrefix(template, "blk.{i}."), Layer: layer,
			Type: t.Type.String(), Shape: t.Shape, Bytes: t.Size(), Bits: t.Type.BitsPerWeight(), Severity: Pass,
		})
		bytes += t.Size()
		v.Elements += t.Elements()
	}
	if v.Elements > 0 {
		v.Bits = 8 * float64(bytes) / float64(v.Elements)
	}
}

// layout checks what the reader of the format leaves open: the reader has
// refused wrong magic, versions, bounds, types and overlaps, and sets of files
// with a part missing.
func (v *validation) layout() {
	if err := v.file.Contiguous(); err != nil {
		v.add(Finding{Check: Layout, Severity: Fail, Message: err.Error()})
	}
	if kind, ok := v.file.KVs().String("general.type"); ok && kind != "model" {
		v.add(Finding{Check: Layout, Severity: Warning, Key: "general.type", Message: "the file calls itself a " + kind + ", not a model"})
	}
	quantized := false
	for _, t := range v.file.Tensors() {
		quantized = quantized || t.Type.Quantized()
	}
	if _, ok := v.file.KVs().Uint("general.quantization_version"); quantized && !ok {
		v.add(Finding{Check: Layout, Severity: Warning, Key: "general.quantization_version", Message: "it is missing in a file with quantized tensors"})
	}
	v.done(Layout, "GGUF v%d, %d key-values, %d tensors in %d %s, alignment %d", v.file.Version(), len(v.file.KVs()),
		len(v.file.Tensors()), len(v.file.Parts()), plural(len(v.file.Parts()), "file"), v.file.Alignment())
}

// plural adds an s where there is not one of a thing.
func plural(n int, thing string) string {
	if n == 1 {
		return thing
	}
	return thing + "s"
}
