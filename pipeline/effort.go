package pipeline

import (
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/refine"
)

// RefineUse is about what the refinement of the outputs takes beside memory and
// disks.
type RefineUse struct {
	Tokens     int     `json:"tokens"`
	Operations float64 `json:"operations"` // of products, in floating point
	Seconds    float64 `json:"seconds"`    // with the workers of the job, on a machine that does nothing else
}

// planRefine estimates the refinement of some outputs, nil where there is none.
// The importance matrix that it collects is counted.
func (j *Job) planRefine(outputs []Output) *RefineUse {
	r := j.o.Refine
	if r == nil {
		return nil
	}
	var all refine.Work
	for i, out := range outputs {
		shapes := j.shapes(out)
		if i == 0 && (j.ownMatrix || j.o.PlanOnly) {
			for _, s := range shapes {
				all.Operations += 2 * float64(min(r.Tokens, matrixTokens)) * float64(s.Rows) * float64(s.Columns) * float64(s.Used)
			}
		}
		w := refine.WorkOf(shapes, r.Tokens)
		all.Operations += w.Operations
		all.Searches += w.Searches
	}
	return &RefineUse{Tokens: r.Tokens, Operations: all.Operations, Seconds: all.Time(j.o.Workers).Seconds()}
}

// shapes are the matrices of an output as its refinement sees them.
func (j *Job) shapes(out Output) (list []refine.Shape) {
	arch, _ := j.in.kvs.String("general.architecture")
	used, _ := j.in.kvs.Uint(arch + ".expert_used_count")
	for _, c := range out.Plan.Tensors {
		rows, columns, matrices := matricesOf(c.Info)
		if matrices == 0 {
			continue
		}
		s := refine.Shape{Name: c.Info.Name, Rows: rows, Columns: columns, Matrices: matrices, Used: 1}
		if typ, ok := quantize.ByID(c.Info.Type); ok && c.Converts() {
			s.Type = typ
		}
		if s.Matrices > 1 && used > 0 {
			s.Used = min(s.Matrices, int(used))
		}
		list = append(list, s)
	}
	return list
}

// matricesOf are the sizes of the matrices of a tensor; there is none in a
// vector.
func matricesOf(t gguf.TensorInfo) (rows, columns, matrices int) {
	if len(t.Shape) < 2 {
		return 0, 0, 0
	}
	matrices = 1
	for _, n := range t.Shape[2:] {
		matrices *= int(n)
	}
	return int(t.Shape[1]), int(t.Columns()), matrices
}
