package convert

import (
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/tiny"
)

// TestEveryArchitectureConverts builds a random checkpoint of every
// architecture from its templates and converts it: each source tensor ends in
// the file, every stream can be read, and the hyperparameters read back from
// the key-values are those of config.json.
func TestEveryArchitectureConverts(t *testing.T) {
	for _, a := range arch.All() {
		classes := slices.DeleteFunc(slices.Clone(a.Classes), func(c string) bool { return !slices.Contains(tiny.Classes(), c) })
		if len(classes) == 0 && !slices.Contains(a.Classes, joined) {
			t.Errorf("%s: no tiny checkpoint for any of %v", a.Name, a.Classes)
		}
		for _, class := range classes {
			t.Run(class, func(t *testing.T) { convertTiny(t, class) })
		}
	}
}

// joined is of releases whose parts are put together before templates see them;
// eval/forward holds their fixtures to transformers.
const joined = "params.json with multiple_of"

func convertTiny(t *testing.T, class string) {
	dir := t.TempDir()
	if err := tiny.Write(dir, class, 1); err != nil {
		t.Fatal(err)
	}
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	p, err := NewPlan(t.Context(), ckpt, Options{Type: F32, NoVocabulary: ckpt.Layout() == hf.MistralNative})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for i, s := range p.Streams {
		drain(t, s, io.Discard)
		for _, name := range p.Sources[i] {
			used[name] = true
		}
	}
	for _, source := range ckpt.Tensors() {
		if canonical := p.Arch.Canonical(source.Name, p.Hyper); inList(p.Arch, canonical) {
			continue
		}
		if !used[source.Name] && !p.Arch.Ignores(p.Arch.Canonical(source.Name, p.Hyper)) {
			t.Errorf("source tensor %q is in no stream", source.Name)
		}
	}
	back, err := arch.FromGGUF(p.KVs)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fileView(p.Hyper), fileView(back), cmpopts.EquateApprox(1e-6, 0)); d != "" {
		t.Errorf("hyperparameters (-config.json +key-values):\n%s", d)
	}
}

// inList reports whether a file lists the number of a source tensor by layer.
func inList(a arch.Arch, canonical string) bool {
	template, _, _ := a.Names().Match(canonical)
	return slices.ContainsFunc(a.Tensors, func(x arch.Tensor) bool { return x.Source == template && x.Listed })
}

// fileView keeps what a file's key-values tell about a model.
func fileView(h arch.Hyper) arch.Hyper {
	h.Class, h.Tied, h.Untied, h.HasHeadDim, h.HasKVHeads = "", false, false, false, false
	h.Vocab = 0      // a key of some architectures, the tokenizer's length in the rest
	h.Skipped = 0    // not in files
	h.TokenTypes = 0 // of the vocabularies that such models have
	if h.Rope.Base == 0 {
		h.Rope.Base = 1e4 // of models that rotate nothing
	}
	h.Pictures = nil
	h.MoE.Listed = nil
	h.Folded = nil             // in the weights
	h.Unwritten = nil          // in the weights
	h.Meaning = arch.Meaning{} // compared by what it describes
	h.MoE.StatesFF, h.Index.StatesPredictions = false, false
	if h.Rope.Scaling == "llama3" { // a tensor in the file
		h.Rope = arch.Rope{Base: h.Rope.Base, LocalBase: h.Rope.LocalBase, Dim: h.Rope.Dim, LocalDim: h.Rope.LocalDim}
	}
	h.Rope.OriginalContext, h.Rope.Exact, h.Rope.Share = 0, false, 0 // not in files
	h.Rope.Sections = append(h.Rope.Sections, make([]int, 4-len(h.Rope.Sections))...)
	h.Rope.MScale = 0 // equal to MScaleAllDim where a file can express it
	if h.MoE.Scale == 0 {
		h.MoE.Scale = 1
	}
	return h
}
