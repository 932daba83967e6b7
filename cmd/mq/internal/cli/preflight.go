package cli

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/f190792d/mq/cmd/mq/internal/memory"
	"github.com/f190792d/mq/cmd/mq/internal/produce"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/quantize"
)

// preflightReport is what is known before the work begins.
type preflightReport struct {
	Source    origin       `json:"source"`
	Tokenizer string       `json:"tokenizer,omitempty"`
	Outputs   []plannedOut `json:"outputs"`
	Disk      []diskUse    `json:"disk,omitempty"`
	Memory    memoryUse    `json:"memory"`
}

// origin describes the input.
type origin struct {
	Name         string `json:"name"`
	Format       string `json:"format"`
	Architecture string `json:"architecture"`
	Files        int    `json:"files"`
	Bytes        int64  `json:"bytes"`
	Tensors      int    `json:"tensors"`
	Ignored      int    `json:"ignored_tensors,omitempty"`
}

type plannedOut struct {
	Path     string             `json:"path,omitempty"`
	Type     string             `json:"name"`
	Files    int                `json:"files"`
	Part     int                `json:"part,omitempty"`  // from 1
	Parts    int                `json:"parts,omitempty"` // 0 where all are written
	Summary  quantize.Summary   `json:"summary"`
	Coverage *quantize.Coverage `json:"imatrix,omitempty"`
}

type diskUse struct {
	Folder string `json:"folder"`
	Needed int64  `json:"needed"` // bytes
	Free   int64  `json:"free"`   // bytes
}

type memoryUse struct {
	Budget   int64 `json:"budget"`   // bytes that the run may use
	Peak     int64 `json:"peak"`     // bytes that it will use at most
	Pipeline int64 `json:"pipeline"` // of them for tensor data in flight
}

// preflight checks all that can be checked before the first byte is written,
// and shows it.
func (a *app) preflight(p *production) (*preflightReport, error) {
	r := &preflightReport{Source: p.origin, Tokenizer: p.tokenizer}
	disks := map[uint64]int{}
	for _, t := range p.Targets {
		paths := t.Paths()
		r.Outputs = append(r.Outputs, plannedOut{
			Path: paths[0], Type: t.Plan.Recipe.Name, Files: len(paths), Part: partNumber(t), Parts: t.Parts,
			Summary: t.Plan.Summary, Coverage: t.Plan.Coverage,
		})
		free, system, err := atomicfile.Space(paths[0])
		if err != nil {
			return nil, err
		}
		i, ok := disks[system]
		if !ok {
			i = len(r.Disk)
			disks[system] = i
			r.Disk = append(r.Disk, diskUse{Folder: filepath.Dir(paths[0]), Free: free})
		}
		r.Disk[i].Needed += t.Plan.Summary.FileBytes
	}
	var err error
	if r.Memory, err = a.planMemory(p); err != nil {
		return nil, err
	}
	if p.flags.dryRun {
		for _, t := range p.Targets {
			a.printPlan(t)
		}
		a.printPreflight(r)
		return r, p.Preflight()
	}
	if err := p.Preflight(); err != nil {
		return nil, err
	}
	for _, t := range p.Targets {
		a.planned(t)
	}
	if a.JSON {
		a.Object(struct {
			Type string `json:"type"`
			*preflightReport
		}{"preflight", r})
	} else {
		a.Note("peak memory %s of %s allowed", ui.Bytes(r.Memory.Peak), ui.Bytes(r.Memory.Budget))
	}
	return r, nil
}

func partNumber(t produce.Target) int {
	if t.Parts == 0 {
		return 0
	}
	return t.Part + 1
}

// printPreflight shows a report on stdout.
func (a *app) printPreflight(r *preflightReport) {
	if a.JSON {
		a.Object(struct {
			Type string `json:"type"`
			*preflightReport
		}{"preflight", r})
		return
	}
	a.printSource(r)
	var rows [][]string
	for _, o := range r.Outputs {
		for _, t := range o.Summary.Types {
			rows = append(rows, []string{o.Type, fmt.Sprintf("%s: %d tensors, %s", t.Type, t.Tensors, ui.Bytes(t.Bytes))})
		}
		if o.Coverage != nil {
			rows = append(rows, []string{"imatrix", o.Coverage.String()})
		}
	}
	for _, d := range r.Disk {
		rows = append(rows, []string{"disk", fmt.Sprintf("%s needed, %s free in %s", ui.Bytes(d.Needed), freeText(d.Free), d.Folder)})
	}
	a.Table(a.Out, rows)
	for _, o := range r.Outputs {
		a.Printf("%s\n", o.Path)
	}
}

// printSource shows what the input is.
func (a *app) printSource(r *preflightReport) {
	s := r.Source
	ignored := ""
	if s.Ignored > 0 {
		ignored = fmt.Sprintf(", %d of them not written", s.Ignored)
	}
	rows := [][]string{{"source", fmt.Sprintf("%s: %s, %s, %s in %s, %d tensors%s", s.Name, s.Format, s.Architecture, ui.Bytes(s.Bytes), files(s.Files), s.Tensors, ignored)}}
	if r.Tokenizer != "" {
		rows = append(rows, []string{"tokenizer", r.Tokenizer})
	}
	rows = append(rows, []string{"memory", fmt.Sprintf("%s at most, %s allowed", ui.Bytes(r.Memory.Peak), ui.Bytes(r.Memory.Budget))})
	a.Table(a.Out, rows)
}

func files(n int) string {
	if n == 1 {
		return "one file"
	}
	return fmt.Sprintf("%d files", n)
}

func freeText(n int64) string {
	if n == math.MaxInt64 {
		return "an unknown size"
	}
	return ui.Bytes(n)
}

const (
	// pipelinePerWorker is what a worker can use of data in flight.
	pipelinePerWorker = 16 << 20
	// leastPipeline is what a run needs to make progress.
	leastPipeline = 4 << 20
)

// planMemory divides the budget.
func (a *app) planMemory(p *production) (memoryUse, error) {
	budget := a.budget()
	headers, importance := int64(0), int64(0)
	for _, t := range p.Targets {
		importance = max(importance, t.Plan.ImportanceBytes())
		for _, f := range t.Plan.Files {
			// The bytes, the key-values they were made from, the tensors.
			headers += 3*f.DataOffset() + 1024*int64(len(f.Tensors))
		}
	}
	fixed := memory.Overhead + 2*(headers+importance)
	// What the collector has not taken yet is as much again as what lives.
	room := (budget - fixed) / 2
	if room < leastPipeline {
		return memoryUse{}, fault.Usage("--max-memory %s: this run needs %s at least", ui.Bytes(budget), ui.Bytes(fixed+2*leastPipeline))
	}
	use := memoryUse{Budget: budget, Pipeline: min(room, pipelinePerWorker*int64(a.jobs))}
	use.Peak = min(budget, fixed+2*max(use.Pipeline, p.checkBytes()))
	return use, nil
}

// checkBytes is what the check at the end holds: the logits of the source, once
// more where they are remembered for several targets, and activations.
func (p *production) checkBytes() int64 {
	logits := 4 * int64(p.vocabulary)
	if len(p.Targets) > 1 {
		logits *= 2
	}
	return int64(len(p.prompt)) * (logits + 256<<10)
}

// budget is what the run may use of memory, in bytes.
func (a *app) budget() int64 {
	if n, err := a.memory(); err == nil && n > 0 {
		return n
	}
	return memory.Default()
}
