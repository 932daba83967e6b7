package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/f190792d/mq/cmd/mq/internal/memory"
	"github.com/f190792d/mq/cmd/mq/internal/produce"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// production is what a writing command does, and what is known of it.
type production struct {
	produce.Job
	flags      *outputFlags
	kvs        gguf.KVs // of the source, as they will be written
	tokenizer  string   // what became of it, for people
	vocabulary int
	prompt     []int32 // of the check; empty without one
	origin     origin
	hashed     []hashedFile   // the inputs, when they have been read for that
	agreement  map[string]any // figures of the check by the target's path
	warnings   []string       // on what the files cannot express, and on flags without effect
}

// produce writes all targets and names them on stdout.
func (a *app) produce(ctx context.Context, p *production) error {
	if err := a.write(ctx, p); err != nil || p.flags.dryRun {
		return err
	}
	for _, t := range p.Targets {
		a.Wrote(t.Paths()[0])
	}
	return nil
}

// write writes all targets from one read of the sources.
func (a *app) write(ctx context.Context, p *production) error {
	p.Force, p.Resume = p.flags.force, p.flags.resume
	p.Version, p.Workers = version(), a.jobs
	report, err := a.preflight(p)
	if err != nil || p.flags.dryRun {
		return err
	}
	p.Memory = report.Memory.Pipeline
	memory.Limit(report.Memory.Peak)
	defer memory.Limit(a.budget())
	var progress *ui.Progress
	p.Progress = func(step string, done, total int64, note string) {
		if progress == nil {
			progress = a.Progress(step, total, ui.ByteCount).Events()
		}
		progress.Set(done, note)
	}
	finish := func() {
		if progress != nil {
			progress.Finish()
		}
	}
	defer finish()
	if check := p.Check; check != nil {
		p.Check = func(ctx context.Context, t produce.Target, unfinished []string) error {
			finish()
			return check(ctx, t, unfinished)
		}
	}
	p.Named = func(ctx context.Context, t produce.Target) error { return a.sidecars(ctx, p, t) }
	return p.Run(ctx)
}

// planned tells what a target will be: an event, or a line of summary.
func (a *app) planned(t produce.Target) {
	s := t.Plan.Summary
	if a.JSON {
		a.Event("plan", map[string]any{
			"path": t.Paths()[0], "name": t.Plan.Recipe.Name, "tensors": s.Tensors, "bytes": s.FileBytes,
			"bpw": s.Bits, "nominal_bpw": s.NominalBits, "fallbacks": s.Fallbacks,
		})
		return
	}
	fallbacks := "no tensor fell back"
	if s.Fallbacks > 0 {
		fallbacks = fmt.Sprintf("%d tensors fell back to another type", s.Fallbacks)
	}
	part := ""
	if t.Parts > 0 {
		part = fmt.Sprintf(" (part %d of %d)", t.Part+1, t.Parts)
	}
	a.Note("%s%s: %d tensors, %s, %.2f bits per weight nominal, %.2f real, %s",
		t.Plan.Recipe.Name, part, s.Tensors, ui.Bytes(s.FileBytes), s.NominalBits, s.Bits, fallbacks)
	if c := t.Plan.Coverage; c != nil {
		a.Note("%s", c)
	}
}

// printPlan shows every tensor of a target: part of the answer of --dry-run.
func (a *app) printPlan(t produce.Target) {
	if a.JSON {
		a.Object(map[string]any{"type": "plan", "path": t.Paths()[0], "plan": t.Plan})
		return
	}
	rows := [][]string{{"TENSOR", "SHAPE", "FROM", "TO", "SIZE", ""}}
	for _, c := range t.Plan.Tensors {
		note := ""
		if c.Fallback() {
			note = fmt.Sprintf("rows do not fit %s", c.Wanted)
		}
		rows = append(rows, []string{c.Info.Name, shapeText(c.Info.Shape), c.From.String(), c.Info.Type.String(), ui.Bytes(c.Info.Size()), note})
	}
	a.Table(a.Out, rows)
	a.planned(t)
}

// outputPath is where a result goes: the path given with -o, or NAME-TYPE.gguf
// in dir. With several results -o must hold {type}, which stands for the name.
func outputPath(given, dir, name, typeName string, several bool) (string, error) {
	switch {
	case given == "":
		return filepath.Join(dir, name+"-"+typeName+".gguf"), nil
	case strings.Contains(given, "{type}"):
		return strings.ReplaceAll(given, "{type}", typeName), nil
	case several:
		return "", fault.Usage("-o %s: several types need a name with {type} in it", given)
	}
	return given, nil
}

// stem is the name of a GGUF file without extension, split suffix and type.
func stem(path string) string {
	name := filepath.Base(path)
	if prefix, _, _, ok := gguf.ParseSplitPath(name); ok {
		name = prefix
	}
	name = strings.TrimSuffix(name, ".gguf")
	if i := strings.LastIndexAny(name, "-."); i > 0 {
		if _, err := quantize.ParseRecipe(name[i+1:]); err == nil && name[i+1:] != "" && (name[i+1] < '0' || name[i+1] > '9') {
			name = name[:i]
		}
	}
	return name
}
