package convert

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/lora"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/convert/vocab"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// Options say what to write.
type Options struct {
	Type     FileType
	Metadata map[string]string // by the key below "general.": goes before what the checkpoint says

	// Companion names the type of the file to plan where it is not the model's
	// but one beside it ([arch.Companion]).
	Companion string

	Pre          string // tokenizer.ggml.pre; empty: recognized
	NoVocabulary bool   // plan without a tokenizer

	Adapters []hf.Adapter // to merge into the weights, in this order

	// ForQuantizer says that the streams go on to a quantizer: what only a file
	// would keep in 8 bits comes as 16.
	ForQuantizer bool

	// Decode gives quantized matrices as floats, also where a block type keeps
	// every weight of them.
	Decode bool

	// Lossless writes quantized matrices that no block type can keep as F32, not
	// in 16 bits. It goes with the type Auto.
	Lossless bool

	// Encoder returns the encoder of a block type. Types without blocks need
	// none.
	Encoder func(gguf.Type) (transform.Encoder, bool)
}

// Plan is a conversion that only waits to be drained.
type Plan struct {
	Arch    arch.Arch
	Hyper   arch.Hyper
	Kind    string   // general.type: "model", or that of a companion
	Type    FileType // neither Auto nor Source
	KVs     gguf.KVs
	Streams []gguf.Stream // in writing order
	Sources [][]string    // the source tensors of each stream; none for a computed one

	Quantized Quantized    // what of the checkpoint was quantized already
	Adapters  []hf.Adapter // that are merged into the weights

	Warnings []string // sentences on what the file cannot express and on how the folder was read
}

// NewPlan plans the conversion of a checkpoint from its headers. It reads no
// weights.
func NewPlan(ctx context.Context, ckpt *hf.Checkpoint, o Options) (*Plan, error) {
	ckpt = ckpt.WithContext(ctx)
	h, err := arch.FromConfig(ckpt.Config())
	if err != nil {
		return nil, Unknown(ctx, ckpt, fault.Op("convert").Folder(ckpt.Name()).Of(err))
	}
	a, _ := arch.Of(ckpt.Config())
	if o.Companion != "" {
		return newCompanion(ctx, ckpt, a, o)
	}
	if err := a.ReadModules(ckpt.Folder, &h); err != nil {
		return nil, err
	}
	unpacked, err := unpack.Open(ctx, ckpt)
	if err != nil {
		return nil, err
	}
	if len(o.Adapters) > 0 {
		if unpacked.Tensors, err = lora.Merge(ctx, unpacked.Tensors, adapted(a, h, sources(unpacked, a, h)), o.Adapters); err != nil {
			return nil, err
		}
	}
	all := sources(unpacked, a, h)
	targets, found := cover(&h, a, all)
	if err := found.err(ckpt, a); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	targets, lists, err := listed(ctx, targets, h)
	if err != nil {
		return nil, err
	}
	var tokens *vocab.Vocabulary
	if !o.NoVocabulary {
		if tokens, err = vocabulary(ctx, ckpt, a, h, o.Pre); err != nil {
			return nil, err
		}
	}
	var ranked gguf.KVs
	if ranks := reranker(ckpt, a); tokens != nil && ranks != nil {
		if targets, err = classifier(targets, tokens.Tokenizer, h, ranks); err != nil {
			return nil, err
		}
		ranked, h.Meaning.Pooling = rerankKVs(a.Name, ranks), arch.RankPooling
	}
	p := &Plan{Arch: a, Hyper: h, Adapters: o.Adapters, Kind: "model", Type: o.Type.resolve(all), Warnings: slices.Concat(readAs(ckpt.Config(), a), ckpt.Notes(), found.notes())}
	losses := arch.Losses(ckpt.Config(), h)
	for _, loss := range losses {
		if loss.Text != "" {
			p.Warnings = append(p.Warnings, loss.Text)
		}
	}
	if a.KeepsTypes && o.Type != Source && !o.ForQuantizer {
		p.Type = mixed
		for i := range targets {
			targets[i].keeps = true
		}
	}
	if a.KeepsTypes || o.keepsCodes() {
		unplaced := 0
		if targets, unplaced, err = keepCodes(ctx, targets, a, o); err != nil {
			return nil, err
		}
		if unplaced > 0 && !o.ForQuantizer {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%d matrices of 4-bit floats lose their codes: a factor goes with each, and no runtime applies one to these matrices of %s", unplaced, a.Name))
		}
	}
	p.Quantized = quantized(unpacked, targets)
	if p.Quantized.Rounded > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d matrices keep their codes, and their weights all but the last digit of a float32: the checkpoint divides by a factor of which the file has the reciprocal; a lossless conversion writes F32", p.Quantized.Rounded))
	}
	p.stream(targets, o)
	if kept, ok := mostly(targets); ok && o.Type == Auto && !o.ForQuantizer && p.Type != mixed {
		p.Type = kept
	}
	about := loadMetadata(ckpt, p.weights(), o.Metadata)
	p.Warnings = append(p.Warnings, about.notes...)
	p.KVs = keyValues(p, about, lists, ranked)
	if tokens != nil {
		p.addVocabulary(tokens.KVs)
		p.Warnings = append(p.Warnings, tokens.Notes...)
	}
	if err := arch.CheckExpressed(a, h, losses, p.KVs); err != nil {
		return nil, fault.Op("convert").Folder(ckpt.Name()).Of(err)
	}
	return p, nil
}

// cover matches the tensors of a checkpoint, which decide what config.json
// leaves open.
func cover(h *arch.Hyper, a arch.Arch, all []source) ([]target, coverage) {
	h.MTPLayers = predictionLayers(all, a, *h)
	h.DroppedLayers -= min(h.MTPLayers, h.DroppedLayers)
	h.Untied = h.Untied && !headless(all)
	h.Tied = h.Tied && !storesHead(a, all)
	return match(a, *h, all)
}

// newCompanion plans the file of another kind that a checkpoint gives beside
// the model's.
func newCompanion(ctx context.Context, ckpt *hf.Checkpoint, a arch.Arch, o Options) (*Plan, error) {
	at := slices.IndexFunc(a.Companions, func(c arch.Companion) bool { return c.Type == o.Companion })
	if at < 0 {
		return nil, fault.Op("convert").Folder(ckpt.Name()).Unsupported("architecture %s gives no file of type %q", a.Name, o.Companion)
	}
	c := a.Companions[at]
	h, err := c.Hyper(ckpt.Config())
	if err != nil {
		return nil, fault.Op("convert").Folder(ckpt.Name()).Of(err)
	}
	unpacked, err := unpack.Open(ctx, ckpt)
	if err != nil {
		return nil, err
	}
	all := sources(unpacked, c.Arch, h)
	targets, found := match(c.Arch, h, all)
	if err := found.err(ckpt, c.Arch); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p := &Plan{Arch: c.Arch, Hyper: h, Kind: c.Type, Type: o.Type.resolve(all)}
	p.stream(targets, o)
	about := loadMetadata(ckpt, p.weights(), o.Metadata)
	p.Warnings = append(p.Warnings, about.notes...)
	p.KVs = keyValues(p, about, nil, nil)
	return p, nil
}

// addVocabulary appends the key-values of the tokenizer.
func (p *Plan) addVocabulary(vocabulary gguf.KVs) {
	const template = "tokenizer.chat_template"
	text, ok := vocabulary.Get(template)
	switch {
	case !p.Arch.EarlyTemplate:
	case ok:
		p.KVs = slices.Insert(p.KVs, 1, gguf.KV{Key: template, Value: text})
	default:
		p.Warnings = append(p.Warnings, "the folder has no chat template, and so the file has none; llama.cpp's converter adds one of its own there: give the runtime one, or put chat_template.jinja into the folder")
	}
	for _, kv := range vocabulary {
		if kv.Key == "tokenizer.ggml.token_type_count" && p.Hyper.TokenTypes > 0 {
			kv.Value = uint32(p.Hyper.TokenTypes) // also where config.json leaves it to the class
		}
		p.KVs.Set(kv.Key, kv.Value)
		if p.Arch.Native && kv.Key == "tokenizer.ggml.token_type" {
			p.KVs.Set(p.Arch.Name+".vocab_size", uint32(p.Hyper.Vocab)) // in Mistral's own format the vocabulary decides it
		}
	}
}

// stream gives every target its type.
func (p *Plan) stream(targets []target, o Options) {
	wanted := p.Type
	if o.Type == Source {
		wanted = Source
	}
	for _, t := range targets {
		chosen := wanted.typeOf(t)
		wide := t.decoded && t.stored.Bits() != 8 || t.merged
		if t.encoded == nil && (wide && o.ForQuantizer || t.decoded && o.Lossless) {
			chosen = gguf.TypeF32
		}
		var encode transform.Encoder
		if chosen.Quantized() && o.Encoder != nil {
			encode, _ = o.Encoder(chosen)
		}
		p.Streams = append(p.Streams, t.stream(chosen, encode))
		p.Sources = append(p.Sources, t.sources)
	}
}

// weights counts the weights of the file.
func (p *Plan) weights() sizes {
	infos := make([]gguf.TensorInfo, len(p.Streams))
	for i, s := range p.Streams {
		infos[i] = s.TensorInfo
	}
	return countWeights(infos)
}

// quantizationVersion is the version of ggml's block layouts.
const quantizationVersion = uint32(2)

// keyValues lists the key-values in the order of the reference converter.
func keyValues(p *Plan, m metadata, lists, ranked gguf.KVs) gguf.KVs {
	kvs := append(gguf.KVs{{Key: "general.architecture", Value: p.Arch.Name}}, lists...)
	set := func(params []arch.Param) {
		for _, param := range params {
			key := param.Key
			if !strings.HasPrefix(key, "tokenizer.") {
				key = p.Arch.Name + "." + key
			}
			if v, ok := param.From(p.Hyper); ok {
				kvs.Set(key, v)
			}
		}
	}
	set(p.Arch.Early)
	kvs.Set("general.type", p.Kind)
	kvs = append(kvs, m.kvs()...)
	set(p.Arch.CommonParams())
	kvs.Set("general.file_type", uint32(p.Type))
	kvs = append(kvs, ranked...)
	set(p.Arch.Params)
	kvs.Set("general.quantization_version", quantizationVersion)
	return kvs
}
