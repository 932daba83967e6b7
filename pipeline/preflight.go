package pipeline

import (
	"path/filepath"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/pipeline/internal/journal"
	"github.com/f190792d/mq/quantize"
)

// Preflight is what is known of a job before it runs.
type Preflight struct {
	Source    Source          `json:"source"`
	Tokenizer string          `json:"tokenizer,omitempty"`
	Outputs   []PlannedOutput `json:"outputs"`
	Disk      []DiskUse       `json:"disk,omitempty"`
	Memory    MemoryUse       `json:"memory"`
	Refine    *RefineUse      `json:"refine,omitempty"`
}

// PlannedOutput describes an output that will be written.
type PlannedOutput struct {
	Path     string             `json:"path,omitempty"`
	Type     string             `json:"name"`
	Files    int                `json:"files"`
	Part     int                `json:"part,omitempty"`  // from 1
	Parts    int                `json:"parts,omitempty"` // 0 where all are written
	Summary  quantize.Summary   `json:"summary"`
	Coverage *quantize.Coverage `json:"imatrix,omitempty"`
}

// DiskUse is what a job needs on one disk, in bytes.
type DiskUse struct {
	Folder string `json:"folder"`
	Needed int64  `json:"needed"`
	Free   int64  `json:"free"`
}

// Preflight says what a job will write and need. Where several outputs are a
// choice of which only one will be made, together is false.
func (j *Job) Preflight(together bool) (*Preflight, error) {
	r := &Preflight{Source: j.Source, Tokenizer: j.Tokenizer}
	for _, out := range j.Outputs {
		r.Outputs = append(r.Outputs, PlannedOutput{
			Path: out.Paths[0], Type: out.Plan.Recipe.Name, Files: len(out.Paths), Part: out.Part, Parts: out.Parts,
			Summary: out.Plan.Summary, Coverage: out.Plan.Coverage,
		})
	}
	made := j.Outputs
	if !together {
		made = made[:1]
	}
	var err error
	if r.Memory, err = j.planMemory(made); err != nil {
		return nil, err
	}
	r.Refine = j.planRefine(made)
	r.Disk, err = j.planDisks()
	return r, err
}

// planDisks adds up what goes to each disk.
func (j *Job) planDisks() ([]DiskUse, error) {
	var disks []DiskUse
	index := map[uint64]int{}
	for _, out := range j.Outputs {
		free, system, err := atomicfile.Space(out.Paths[0])
		if err != nil {
			return nil, err
		}
		i, ok := index[system]
		if !ok {
			i = len(disks)
			index[system] = i
			disks = append(disks, DiskUse{Folder: filepath.Dir(out.Paths[0]), Free: free})
		}
		disks[i].Needed += out.Plan.Summary.FileBytes + j.refineDisk(out)
	}
	return disks, nil
}

// checkDisks refuses work that a disk has no room for. What a stopped run has
// left is not counted twice.
func (j *Job) checkDisks() error {
	disks, err := j.planDisks()
	if err != nil || j.o.Resume {
		return err
	}
	for _, d := range disks {
		if d.Free > 0 && d.Needed > d.Free {
			return fault.Op("pipeline").Folder(d.Folder).IO("%d bytes are free, and %d are needed, for what is only there while it is refined, too: free some, or take fewer tokens", d.Free, d.Needed)
		}
	}
	return nil
}

// CheckOutputs returns what is wrong with the outputs before any work: names,
// leftovers of a stopped run, space.
func (j *Job) CheckOutputs() error { return j.journal().Preflight() }

// journal is the job as its writer sees it.
func (j *Job) journal() *journal.Job {
	return &journal.Job{
		Sources: j.in.streams, Targets: j.targets, Inputs: j.inputs, Source: j.in.digest, Version: j.o.Version, Records: cacheFolder("finished"),
		Force: j.o.Force, Resume: j.o.Resume, Workers: j.o.Workers, Unchanged: j.in.unchanged,
		Progress: j.o.Progress, Reads: j.in.reads,
	}
}
