package quantize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
)

// Importance is an importance matrix as it is applied to a model.
type Importance struct {
	File   string // as the user gave it; it is recorded in the output
	Matrix *imatrix.Matrix

	// Unrecorded leaves the matrix out of the output's key-values, which say in
	// another way where it comes from.
	Unrecorded bool

	names []string // of the entries in use, sorted
}

// NewImportance prepares a matrix. The entries whose names contain an item of
// exclude are left out; with include, only those are used whose names contain
// an item of it. Where nothing is left the result is nil, which stands for no
// matrix at all. Entries must be finite and not negative.
func NewImportance(file string, m *imatrix.Matrix, include, exclude []string) (*Importance, error) {
	if len(include) > 0 && len(exclude) > 0 {
		return nil, fault.Op("quantize").Invalid("weights can be included by name or excluded, not both")
	}
	im := &Importance{File: file, Matrix: m}
	for name, e := range m.Entries {
		in := len(include) == 0 || containsAny(name, include)
		if !in || containsAny(name, exclude) {
			continue
		}
		for _, list := range [][]float32{e.Sums, e.Counts} {
			if i := slices.IndexFunc(list, func(x float32) bool { return x-x != 0 || x < 0 }); i >= 0 {
				return nil, fault.Op("quantize").File(file).Tensor(name).Corrupt("value %d of the importance matrix is %v; a sum of squares is finite and not negative", i, list[i])
			}
		}
		im.names = append(im.names, name)
	}
	if len(im.names) == 0 {
		return nil, nil
	}
	slices.Sort(im.names)
	return im, nil
}

func containsAny(name string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
}

// keyValues describe the matrix in the output.
func (im *Importance) keyValues() gguf.KVs {
	if im.Unrecorded {
		return nil
	}
	kvs := gguf.KVs{{Key: "quantize.imatrix.file", Value: clip(im.File)}}
	if len(im.Matrix.Datasets) > 0 {
		kvs = append(kvs, gguf.KV{Key: "quantize.imatrix.dataset", Value: clip(im.Matrix.Datasets[0])})
	}
	kvs = append(kvs, gguf.KV{Key: "quantize.imatrix.entries_count", Value: uint32(len(im.names))})
	if im.Matrix.Chunks > 0 {
		kvs = append(kvs, gguf.KV{Key: "quantize.imatrix.chunks_count", Value: uint32(im.Matrix.Chunks)})
	}
	return kvs
}

// clip cuts a string to the bytes that llama-quantize keeps.
func clip(s string) string { return s[:min(len(s), maxOverride)] }

// weights are the importances of one tensor's columns, for each of its
// matrices (experts).
type weights struct {
	entry    *imatrix.Entry
	matrices int64
	rows     int64 // of a matrix
}

// Coverage describes how an importance matrix applies to a plan.
type Coverage struct {
	File     string   `json:"file"`
	Entries  int      `json:"entries"`
	Weighted int      `json:"weighted"`          // tensors quantized with weights
	Missing  []string `json:"missing,omitempty"` // quantized without, for want of an entry

	// Replaced are tensors of prediction layers whose type requires weights
	// and that have no entry: they are quantized as a type that requires none.
	Replaced []string `json:"replaced,omitempty"`
	Unused   []string `json:"unused,omitempty"`  // entries without a tensor
	Ignored  []string `json:"ignored,omitempty"` // embeddings, whose entry has another size

	// Unseen are the experts that no token of the calibration text reached,
	// by tensor. All their columns count the same.
	Unseen map[string][]int `json:"unseen_experts,omitempty"`
}

// String is the coverage in one line.
func (c *Coverage) String() string {
	experts := 0
	for _, list := range c.Unseen {
		experts += len(list)
	}
	text := fmt.Sprintf("importance weights for %d of %d quantized tensors; %d entries unused; %d experts without counts in %d tensors",
		c.Weighted, c.Weighted+len(c.Missing)+len(c.Ignored), len(c.Unused), experts, len(c.Unseen))
	if n := len(c.Replaced); n > 0 {
		text += fmt.Sprintf("; %d tensors of prediction layers, which no text reaches, take a type that requires none: %s", n, strings.Join(c.Replaced, ", "))
	}
	return text
}

// attach gives every tensor that is going to be quantized its weights.
// Entries are looked up by the names of the source, which pruned layers do
// not change.
func (im *Importance) attach(choices []Choice, source []gguf.TensorInfo) (*Coverage, error) {
	cov := &Coverage{File: im.File, Entries: len(im.names), Unseen: map[string][]int{}}
	known := map[string]bool{}
	for _, t := range source {
		known[t.Name] = true
	}
	for _, name := range im.names {
		if !known[name] {
			cov.Unused = append(cov.Unused, name)
		}
	}
	for i := range choices {
		c := &choices[i]
		if !c.Converts() || !c.Info.Type.Quantized() {
			continue
		}
		name := source[c.Source].Name
		if !im.has(name) {
			cov.Missing = append(cov.Missing, c.Info.Name)
			continue
		}
		w, err := im.find(name, c.Info)
		switch {
		case err != nil:
			return nil, err
		case w == nil:
			cov.Ignored = append(cov.Ignored, c.Info.Name)
			continue
		}
		c.weights = w
		cov.Weighted++
		if unseen := w.unseen(); unseen != nil {
			cov.Unseen[c.Info.Name] = unseen
		}
	}
	return cov, nil
}

func (im *Importance) has(name string) bool {
	_, in := slices.BinarySearch(im.names, name)
	return in
}

// find returns the weights of a tensor, nil where there are none: embeddings
// may have an entry of another size.
func (im *Importance) find(name string, t gguf.TensorInfo) (*weights, error) {
	if !im.has(name) {
		return nil, nil
	}
	w, err := im.weights(name, t)
	if err != nil && roleOf(name) == tokenEmbd {
		return nil, nil
	}
	return w, err
}

// weights checks that an entry has the shape of its tensor.
func (im *Importance) weights(name string, t gguf.TensorInfo) (*weights, error) {
	e := im.Matrix.Entries[name]
	w := &weights{entry: e, matrices: 1, rows: 1}
	if len(t.Shape) > 1 {
		w.rows = t.Shape[1]
	}
	if len(t.Shape) > 2 {
		w.matrices = t.Shape[2]
	}
	if want := t.Columns() * w.matrices; int64(len(e.Sums)) != want {
		return nil, fault.Op("quantize").Corrupt("imatrix %s: tensor %q: %d values do not fit its %d columns in %d matrices; the matrix was made for another model",
			im.File, name, len(e.Sums), t.Columns(), w.matrices)
	}
	return w, nil
}

// unseen lists the experts without counts.
func (w *weights) unseen() []int {
	var list []int
	for i, n := range w.entry.Counts {
		if n == 0 && len(w.entry.Counts) > 1 {
			list = append(list, i)
		}
	}
	return list
}

// matrix returns the matrix that holds a row.
func (w *weights) matrix(row int64) int { return int(row / w.rows % w.matrices) }

// of returns the weights of one matrix. The legacy format has one count for
// all of them.
func (w *weights) of(matrix int) []float32 {
	if int64(w.entry.Matrices()) == w.matrices {
		return w.entry.Weights(matrix)
	}
	columns := len(w.entry.Sums) / int(w.matrices)
	return w.entry.AllWeights()[matrix*columns:][:columns]
}
