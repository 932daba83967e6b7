package validate

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Options tell what to check and against what. The zero value checks a file
// by itself.
type Options struct {
	Against   string     // a checkpoint folder or a GGUF file that the file was made from, or
	Reference *Source    // the same, opened
	Files     hf.Options // how a folder is opened
	Limits    Limits
	Workers   int // goroutines; 0 for one on each processor

	SkipNumbers bool // leave the tensors' values out
	SkipErrors  bool // look for values that are wrong by themselves, but take no means and compare none with the source
	SkipLogits  bool // do not run the models

	// Partial says that the file is one of a set whose others are not there:
	// only its layout and its values are looked at.
	Partial bool

	// Memory, where set, is what the comparison may take in bytes: the prompt
	// is cut to it, and a larger model releases weights that it has used.
	Memory int64

	// Render renders the chat template of the file: template.Render, of the
	// package below this one. Without it templates are parsed only as far as
	// their delimiters and blocks go.
	Render Renderer

	// Lint finds what chats by the template will suffer from: template.Lint, of
	// that package.
	Lint Linter

	// Progress is called with the steps [StepTensors], which counts bytes, and
	// [StepLogits], which counts the layers of both models.
	Progress progress.Func
}

// A Renderer renders a chat template with variables.
type Renderer func(ctx context.Context, source string, variables map[string]any) (string, error)

// A Linter returns what is wrong with a chat template, and what is good to know
// of it.
type Linter func(ctx context.Context, source string, words *tokenizer.Tokenizer) (warnings, notes []string)

// The steps that take time.
const (
	StepTensors = "comparing tensors"
	StepLogits  = "running both models"
)

// Limits are what the comparison of logits has to keep to. Where one is nil,
// a limit that fits the file's bits per weight is taken.
type Limits struct {
	MaxKLD  *float64 // mean Kullback-Leibler divergence, nats
	MinTop1 *float64 // share of positions with the same most likely token

	MinCosine *float64 // of embeddings, of models without logits
	MaxRatio  *float64 // perplexity over that of the source
}

// File validates a GGUF file, or the set that a part of a split file belongs
// to. What is wrong with the file stands in the report, even where it cannot
// be opened; the error says what kept the validation from its work: a source
// that cannot be read, or ctx.
func File(ctx context.Context, path string, o Options) (*Report, error) {
	f, err := gguf.Open(path)
	if err != nil {
		if structural(err) {
			return (&Report{File: filepath.Base(path)}).refuse(err), nil
		}
		return nil, err
	}
	defer f.Close()
	return Opened(ctx, f, o)
}

// Opened validates an opened GGUF file or split set, which may still have
// temporary names.
func Opened(ctx context.Context, f *gguf.File, o Options) (*Report, error) {
	v := newValidation(filepath.Base(f.Name()), f.KVs(), f.Tensors(), o)
	v.file = f
	if err := v.open(ctx); err != nil {
		return nil, err
	}
	defer v.close()
	v.Bytes = f.Size()
	if parts := f.Parts(); len(parts) > 1 {
		for _, part := range parts {
			v.Parts = append(v.Parts, filepath.Base(part))
		}
	}
	v.layout()
	if !o.Partial {
		v.header(ctx)
	}
	if err := v.numbers(ctx); err != nil {
		return nil, err
	}
	if err := v.logits(ctx); err != nil {
		return nil, err
	}
	for i := range v.Tensors {
		for _, finding := range v.Findings {
			if finding.Tensor == v.Tensors[i].Name && finding.Severity != Note {
				v.Tensors[i].Severity = worse(v.Tensors[i].Severity, finding.Severity)
			}
		}
	}
	return v.Report.close(), nil
}

// Header validates what is known of a file before it is written: key-values
// and tensors, by themselves and against a source.
func Header(ctx context.Context, name string, kvs gguf.KVs, tensors []gguf.TensorInfo, o Options) (*Report, error) {
	v := newValidation(name, kvs, tensors, o)
	if err := v.open(ctx); err != nil {
		return nil, err
	}
	defer v.close()
	v.header(ctx)
	return v.Report.close(), nil
}

// validation is the state of one call of Opened or Header.
type validation struct {
	Options
	*Report
	kvs     gguf.KVs
	tensors map[string]gguf.TensorInfo
	infos   []gguf.TensorInfo
	file    *gguf.File // nil for a header alone
	source  *Source    // nil where there is none
	opened  bool       // source is closed at the end

	arch   *arch.Arch // nil where it is not known
	hyper  arch.Hyper // valid where arch is known
	tokens *tokenizer.Tokenizer
}

func newValidation(name string, kvs gguf.KVs, tensors []gguf.TensorInfo, o Options) *validation {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	v := &validation{Options: o, Report: &Report{File: name}, kvs: kvs, infos: tensors, tensors: map[string]gguf.TensorInfo{}, source: o.Reference}
	for _, t := range tensors {
		v.tensors[t.Name] = t
	}
	v.describe()
	return v
}

// open opens the source, unless the caller has.
func (v *validation) open(ctx context.Context) (err error) {
	if v.source == nil && v.Against != "" {
		if v.source, err = OpenSource(ctx, v.Against, v.Files); err != nil {
			return err
		}
		v.opened = true
	}
	if v.source != nil {
		v.Source = filepath.Base(v.source.path)
	}
	return nil
}

func (v *validation) close() {
	if v.opened {
		_ = v.source.Close() // only read
	}
}

// header runs the checks that need no values.
func (v *validation) header(ctx context.Context) {
	v.architecture()
	v.vocabulary(ctx)
	v.checkTemplate(ctx)
	v.identity()
}

// describe fills in what the header tells.
func (v *validation) describe() {
	v.Name, _ = v.kvs.String("general.name")
	v.Arch, _ = v.kvs.String("general.architecture")
	var bytes int64
	for _, t := range v.infos {
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
	if v.Partial {
		v.done(Layout, "GGUF v%d, %d tensors", v.file.Version(), len(v.infos))
		return
	}
	if kind, ok := v.kvs.String("general.type"); ok && kind != "model" {
		v.add(Finding{Check: Layout, Severity: Warning, Key: "general.type", Message: fmt.Sprintf("it is %q, not \"model\"", kind)})
	}
	quantized := false
	for _, t := range v.infos {
		quantized = quantized || t.Type.Quantized()
	}
	if _, ok := v.kvs.Uint("general.quantization_version"); quantized && !ok {
		v.add(Finding{Check: Layout, Severity: Warning, Key: "general.quantization_version", Message: "it is missing in a file with quantized tensors"})
	}
	v.done(Layout, "GGUF v%d, %d key-values, %d tensors in %d %s, alignment %d", v.file.Version(), len(v.kvs),
		len(v.infos), len(v.file.Parts()), plural(len(v.file.Parts()), "file"), v.file.Alignment())
}

// plural adds an s where there is not one of a thing.
func plural(n int, thing string) string {
	if n == 1 {
		return thing
	}
	return thing + "s"
}
