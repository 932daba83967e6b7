package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/pipeline/internal/journal"
	"github.com/f190792d/mq/quantize"
)

// Source describes the input of a job.
type Source struct {
	Name         string `json:"name"`
	Format       string `json:"format"`
	Architecture string `json:"architecture"`
	Files        int    `json:"files"`
	Bytes        int64  `json:"bytes"`
	Tensors      int    `json:"tensors"`
	Ignored      int    `json:"ignored_tensors,omitempty"`
	As           string `json:"as,omitempty"`        // the class that it was taken for, whatever its config.json says
	Described    string `json:"described,omitempty"` // the file that describes its architecture

	Quantized *Quantized `json:"quantized,omitempty"` // nil for plain floats
}

// Quantized says how a checkpoint was quantized already, and which of its
// matrices a file can hold without a change of any weight.
type Quantized struct {
	Method   string         `json:"method"`
	Matrices int            `json:"matrices"`
	Exact    int            `json:"exact"`
	Types    map[string]int `json:"types,omitempty"` // of the exact ones

	// What the file in the checkpoint's own precision would be, where only a
	// plan is wanted.
	Name  string `json:"auto,omitempty"`
	Bytes int64  `json:"auto_bytes,omitempty"`
}

// input is an opened source: what a job needs of it, wherever it comes from.
type input struct {
	about     Source
	path      string // for messages
	model     func(context.Context, forward.Options) (*forward.Model, error)
	name      fileName // of outputs that are given no path
	dir       string   // of such outputs
	digest    string   // of the headers
	files     []string
	unchanged func() error

	kvs        gguf.KVs // as they will be written
	streams    []gguf.Stream
	infos      []gguf.TensorInfo
	vocabulary func() (*tokenizer.Tokenizer, error) // read when first asked for; nil where there is none

	checkpoint *hf.Checkpoint // nil for a GGUF file
	conversion *convert.Plan  // of the checkpoint
	native     bool           // the converter writes the final types
	adapters   []hf.Adapter
	as         hf.Reading
}

// small are the files beside the weights that decide what is written, as they
// were read, and remote weights whose hash is known.
func (in *input) small() (list []HashedFile) {
	if in.checkpoint == nil {
		return nil
	}
	if in.checkpoint.Dir() == "" {
		for _, f := range in.checkpoint.Files() {
			list = append(list, HashedFile{f.Name, f.Size, f.Hash}) // the Hub has that of weights
		}
	}
	if r := in.as; r.Description != "" {
		sum := sha256.Sum256([]byte(r.Description))
		list = append(list, HashedFile{filepath.Base(r.File), int64(len(r.Description)), hex.EncodeToString(sum[:])})
	}
	folders := []*hf.Checkpoint{in.checkpoint}
	for _, a := range in.adapters {
		folders = append(folders, a.Checkpoint)
	}
	for _, c := range folders {
		for _, d := range c.Reads() {
			list = append(list, HashedFile(d))
		}
	}
	return list
}

// fromCheckpoint plans the conversion of a checkpoint as far as the types of
// the output do not matter.
func fromCheckpoint(ctx context.Context, ckpt *hf.Checkpoint, o Options) (*input, error) {
	options := convert.Options{Type: convert.Auto, Encoder: encoder, Pre: o.Pre, Lossless: o.Lossless, Decode: o.Size != nil, Adapters: o.Adapters}
	if o.Name != "" {
		options.Metadata = map[string]string{"name": o.Name}
	}
	in := &input{path: ckpt.Name(), digest: journal.CheckpointSource(ckpt), unchanged: ckpt.Unchanged}
	adapters := o.Adapters
	in.model = func(ctx context.Context, o forward.Options) (*forward.Model, error) {
		o.Adapters = adapters
		return forward.FromCheckpoint(ctx, ckpt, o)
	}
	in.checkpoint, in.as = ckpt, ckpt.Reading()
	in.adapted(adapters)
	var as convert.FileType
	if as, in.native = o.native(); in.native {
		if as == convert.Auto && mixes(o.Quantize) {
			return nil, fault.Op("convert").Invalid("options of quantization need a type to start from")
		}
		options.Type = as
	}
	if options.ForQuantizer = !in.native; o.Lossless && options.Type != convert.Auto || o.Lossless && !in.native {
		return nil, fault.Invalid("convert: a lossless file has the checkpoint's own precision, no other type")
	}
	var kept Quantized
	beside, inner := errgroup.WithContext(ctx) // a large model has a hundred thousand tensors to look at
	if _, quantized := ckpt.Quantization(); quantized && o.PlanOnly {
		beside.Go(func() (err error) {
			defer fault.Rescue(&err)
			return kept.asItIs(inner, ckpt, o)
		})
	}
	plan, err := convert.NewPlan(ctx, ckpt, options)
	if other := beside.Wait(); err == nil && plan.Quantized.Method != "" {
		err = other
	}
	if err != nil {
		return nil, err
	}
	in.conversion, in.kvs, in.streams, in.infos = plan, plan.KVs, plan.Streams, infosOf(plan.Streams)
	in.name = namedBy(plan.KVs, ckpt.Name())
	words, err := tokenizer.FromGGUF(plan.KVs)
	if err != nil {
		return nil, err
	}
	in.vocabulary = func() (*tokenizer.Tokenizer, error) { return words, nil }
	used := map[string]bool{}
	for _, names := range plan.Sources {
		for _, name := range names {
			used[name] = true
		}
	}
	in.about = Source{
		Name: ckpt.Name(), Format: ckpt.Layout().String(), Architecture: plan.Arch.Name,
		Tensors: len(ckpt.Tensors()), Ignored: len(ckpt.Tensors()) - len(used), Quantized: quantizedAs(plan),
		As: ckpt.Reading().Class,
	}
	if in.as.Description != "" {
		in.about.Described = filepath.Base(in.as.File)
	}
	if q := in.about.Quantized; q != nil {
		q.Name, q.Bytes = kept.Name, kept.Bytes
	}
	if ckpt.Dir() != "" {
		in.path = ckpt.Dir()
	}
	for _, file := range ckpt.Files() {
		if ckpt.Dir() != "" {
			in.files = append(in.files, filepath.Join(ckpt.Dir(), filepath.FromSlash(file.Name)))
		}
		in.about.Files++
		in.about.Bytes += file.Size
	}
	if in.about.Bytes > o.Memory {
		ckpt.ReleaseBehind()
	}
	return in, nil
}

// reads tells the file system of a checkpoint which streams will be read.
func (in *input) reads(streams []int) {
	if in.conversion == nil {
		return
	}
	var next []hf.Tensor
	for _, i := range streams {
		for _, name := range in.conversion.Sources[i] {
			if t, ok := in.checkpoint.Lookup(name); ok {
				next = append(next, t)
			}
		}
	}
	in.checkpoint.ReadAhead(next)
}

// adapted adds adapters to what the input consists of.
func (in *input) adapted(adapters []hf.Adapter) {
	in.adapters = adapters
	for _, a := range adapters {
		in.digest += fmt.Sprintf(" + %s × %v", journal.CheckpointSource(a.Checkpoint), a.Strength)
		for _, file := range a.Files() {
			in.files = append(in.files, filepath.Join(a.Dir(), filepath.FromSlash(file.Name)))
		}
		before := in.unchanged
		in.unchanged = func() error { return errors.Join(before(), a.Unchanged()) }
	}
}

// fromGGUF takes a GGUF file as it is.
func fromGGUF(_ context.Context, file *gguf.File, o Options) (*input, error) {
	if o.Pre != "" || o.Name != "" {
		return nil, fault.Op("pipeline").File(file.Name()).Invalid("a GGUF file names its own model and pre-tokenizer")
	}
	architecture, ok := file.KVs().String("general.architecture")
	if !ok {
		return nil, fault.Op("pipeline").File(file.Name()).Key("general.architecture").Corrupt(" is missing: the file is not a model")
	}
	in := &input{
		path: file.Name(), name: fileName{stem: Stem(file.Name())}, dir: filepath.Dir(file.Name()), digest: journal.FileSource(file),
		files: file.Parts(), kvs: file.KVs(), infos: file.Tensors(),
		about: Source{
			Name: BaseName(file.Name()), Format: "gguf", Architecture: architecture,
			Files: len(file.Parts()), Bytes: file.Size(), Tensors: len(file.Tensors()),
		},
	}
	in.as = o.As
	in.model = func(ctx context.Context, o forward.Options) (*forward.Model, error) {
		o.Files.As = in.as
		return forward.FromGGUF(ctx, file, o)
	}
	in.streams = streamsOf(file, file.Size() > o.Memory)
	// What only copies a vocabulary does not need to understand it.
	in.vocabulary = sync.OnceValues(func() (*tokenizer.Tokenizer, error) {
		if !in.kvs.Has("tokenizer.ggml.model") {
			return nil, nil
		}
		return tokenizer.FromGGUF(in.kvs)
	})
	return in, nil
}

// streamsOf reads the tensors of a file; with release the system may forget
// what was read.
func streamsOf(file *gguf.File, release bool) (streams []gguf.Stream) {
	for _, t := range file.Tensors() {
		s := file.Stream(t)
		if read, row := s.ReadRows, t.RowBytes(); release {
			s.ReadRows = func(ctx context.Context, dst []byte, first int64) error {
				defer file.Release(t, first*row, int64(len(dst)))
				return read(ctx, dst, first)
			}
		}
		streams = append(streams, s)
	}
	return streams
}

func infosOf(streams []gguf.Stream) []gguf.TensorInfo {
	infos := make([]gguf.TensorInfo, len(streams))
	for i, s := range streams {
		infos[i] = s.TensorInfo
	}
	return infos
}

// quantizedAs sums up what of a checkpoint was quantized already.
func quantizedAs(plan *convert.Plan) *Quantized {
	if plan.Quantized.Method == "" {
		return nil
	}
	q := &Quantized{Method: plan.Quantized.Method, Matrices: plan.Quantized.Matrices, Types: map[string]int{}}
	for t, n := range plan.Quantized.Exact {
		q.Types[t.String()] = n
		q.Exact += n
	}
	return q
}

// asItIs finds out what the file in the checkpoint's own precision would be.
func (q *Quantized) asItIs(ctx context.Context, ckpt *hf.Checkpoint, o Options) error {
	plan, err := convert.NewPlan(ctx, ckpt, convert.Options{Type: convert.Auto, Encoder: encoder, Pre: o.Pre, Lossless: o.Lossless, Adapters: o.Adapters})
	if err != nil {
		return err
	}
	file, err := quantize.Keep("", plan.KVs, infosOf(plan.Streams))
	if err != nil {
		return err
	}
	q.Name, q.Bytes = strings.ToUpper(plan.Type.String()), file.Summary.FileBytes
	return nil
}

// keepEncoded leaves tensors alone whose type the architecture keeps.
func (in *input) keepEncoded() []quantize.Override {
	var kept []quantize.Override
	for _, t := range in.infos {
		if in.conversion != nil && in.conversion.Arch.KeepsTypes && t.Type.Quantized() {
			if o, err := quantize.ParseOverride("^" + regexp.QuoteMeta(t.Name) + "$=" + t.Type.String()); err == nil {
				kept = append(kept, o)
			}
		}
	}
	return kept
}

// nativeName is the name of the type that the converter writes by itself.
func (in *input) nativeName() string { return strings.ToUpper(in.conversion.Type.String()) }

// encoder gives the converter the block types, which it does not know itself.
func encoder(t gguf.Type) (transform.Encoder, bool) {
	row, ok := quantize.ByID(t)
	if !ok || row.NeedsWeights {
		return nil, false
	}
	return row.Encode, true
}
