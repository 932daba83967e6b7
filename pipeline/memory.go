package pipeline

import (
	"fmt"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/memory"
	"github.com/f190792d/mq/refine"
)

const (
	// pipelinePerWorker is what a worker can use of data in flight.
	pipelinePerWorker = 16 << 20
	// leastPipeline is what a run needs to make progress.
	leastPipeline = 4 << 20
	// activations is what the comparison holds for a position besides logits.
	activations = 256 << 10
	// besides is left free where what was fetched is kept: a run by name was
	// measured to take some 40 MB more than what is counted.
	besides = 64 << 20
)

// MemoryUse is how a run divides its memory, in bytes.
type MemoryUse struct {
	Budget   int64 `json:"budget"`   // what the run may use
	Peak     int64 `json:"peak"`     // what it will use at most
	Pipeline int64 `json:"pipeline"` // of that, for tensor data in flight
	Kept     int64 `json:"kept"`     // of that, for what was fetched and will be read again
}

// TooLittleMemory is the error of a run whose budget does not suffice.
type TooLittleMemory struct {
	Budget, Needed int64 // bytes
}

func (e *TooLittleMemory) Error() string {
	return fmt.Sprintf("pipeline: a memory budget of %d bytes: this run needs %d at least", e.Budget, e.Needed)
}

// Unwrap says that the caller asked for it.
func (e *TooLittleMemory) Unwrap() error { return fault.ErrInvalid }

// planMemory divides the budget among what the outputs of a run need.
func (j *Job) planMemory(outputs []Output) (MemoryUse, error) {
	headers, importance := int64(0), int64(0)
	for _, out := range outputs {
		importance = max(importance, out.Plan.ImportanceBytes())
		for _, f := range out.Plan.Files {
			// The bytes, the key-values they were made from, the tensors.
			headers += 3*f.DataOffset() + 1024*int64(len(f.Tensors))
		}
	}
	fixed := memory.Overhead + 2*(headers+importance) + j.refineBytes()
	if j.in.checkpoint != nil {
		fixed += j.in.checkpoint.Held()
	}
	// What the collector has not freed yet is as much again as what is alive.
	room := (j.o.Memory - fixed) / 2
	if room < leastPipeline {
		return MemoryUse{}, &TooLittleMemory{Budget: j.o.Memory, Needed: fixed + 2*leastPipeline}
	}
	use := MemoryUse{Budget: j.o.Memory, Pipeline: min(room, pipelinePerWorker*int64(j.o.Workers))}
	use.Peak = min(use.Budget, fixed+2*max(use.Pipeline, j.checkBytes(len(outputs))))
	if j.in.checkpoint != nil && (j.compares() || j.o.Refine != nil) && j.in.checkpoint.Held() > 0 && j.in.about.Bytes > j.in.checkpoint.Held() {
		use.Kept = min(max(use.Budget-use.Peak-besides, 0), j.in.about.Bytes)
		use.Peak += use.Kept
	}
	return use, nil
}

// checkBytes is what the comparison at the end holds: activations, and the
// logits of the source, twice where they are kept for several outputs.
func (j *Job) checkBytes(outputs int) int64 {
	if len(j.prompt) == 0 {
		return 0
	}
	words, _ := j.in.vocabulary() // the prompt is of it
	logits := 4 * int64(words.Size())
	if outputs > 1 {
		logits *= 2
	}
	return int64(len(j.prompt)) * (logits + activations)
}

// refineDisk is what the refinement of an output takes of a disk beside it: a
// file like it, and the scratch file.
func (j *Job) refineDisk(out Output) int64 {
	if j.o.Refine == nil {
		return 0
	}
	width, columns := int64(0), int64(0)
	for _, t := range j.in.infos {
		if t.Name == "token_embd.weight" {
			width = t.Columns()
		}
		if len(gguf.TrimShape(t.Shape)) > 1 {
			columns = max(columns, t.Columns())
		}
	}
	return out.Plan.Summary.FileBytes + refine.ScratchBytes(int(width), int(columns), j.o.Refine.Tokens)
}

// refineBytes is what a refinement holds for the matrices that are worked on, 0
// where there is none.
func (j *Job) refineBytes() (bytes int64) {
	if j.o.Refine == nil {
		return 0
	}
	for _, t := range j.in.infos {
		if rows, columns, matrices := matricesOf(t); matrices > 0 {
			bytes = max(bytes, refine.Memory(rows, columns, matrices, refine.LayerOf(t.Name) != ""))
		}
	}
	return bytes
}
