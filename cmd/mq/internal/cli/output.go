package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// target is one file, or split set, that a command is to write.
type target struct {
	path string
	plan *quantize.Plan
}

// paths returns the files of the target.
func (t target) paths() []string {
	n := len(t.plan.Files)
	if n == 1 {
		return []string{t.path}
	}
	prefix := strings.TrimSuffix(t.path, ".gguf")
	paths := make([]string, n)
	for i := range paths {
		paths[i] = gguf.SplitPath(prefix, i, n)
	}
	return paths
}

// production is what a writing command does: from these streams, these
// targets.
type production struct {
	sources []gguf.Stream
	targets []target
	inputs  []string // files that are read: none may be an output
	force   bool

	// check, where set, judges a finished file before it gets its name.
	check func(ctx context.Context, t target, unfinished []string) error
}

// preflight finds what is wrong with the outputs before work starts.
func (p *production) preflight() error {
	for _, t := range p.targets {
		for _, path := range t.paths() {
			if err := atomicfile.Check(path, atomicfile.Options{Force: p.force, Inputs: p.inputs}); err != nil {
				return err
			}
		}
	}
	return nil
}

// produce writes all targets from one read of the sources. A file gets its
// name when it is whole, checked and synced; on an error none is left.
func (a *app) produce(ctx context.Context, p *production) error {
	var files [][]*atomicfile.File
	var outputs []quantize.Output
	for _, t := range p.targets {
		output := quantize.Output{Plan: t.plan}
		var parts []*atomicfile.File
		for i, path := range t.paths() {
			file, err := atomicfile.Create(path, atomicfile.Options{Force: p.force, Inputs: p.inputs})
			if err != nil {
				return err
			}
			defer file.Abort()
			if err := file.Preallocate(t.plan.Files[i].TotalSize()); err != nil {
				return err
			}
			parts = append(parts, file)
			output.Files = append(output.Files, io.WriterAt(file))
		}
		files = append(files, parts)
		outputs = append(outputs, output)
	}

	var total int64
	for _, s := range p.sources {
		total += s.Size()
	}
	memory, err := a.memory()
	if err != nil {
		return err
	}
	progress := a.Progress("writing", total, ui.ByteCount)
	err = quantize.Run(ctx, p.sources, outputs, quantize.RunOptions{
		Workers:   a.jobs,
		MaxMemory: memory,
		Progress:  func(e quantize.Event) { progress.Set(e.Done, e.Tensor) },
	})
	progress.Finish()
	if err != nil {
		return err
	}
	for i, t := range p.targets {
		if p.check != nil {
			var unfinished []string
			for _, file := range files[i] {
				unfinished = append(unfinished, file.TempPath())
			}
			if err := p.check(ctx, t, unfinished); err != nil {
				return err
			}
		}
	}
	for i, t := range p.targets {
		for _, file := range files[i] {
			if err := file.Commit(); err != nil {
				return err
			}
		}
		a.Wrote(t.paths()[0])
	}
	return nil
}

// planned tells what a target will be: an event, or a line of summary.
func (a *app) planned(t target) {
	s := t.plan.Summary
	if a.JSON {
		a.Event("plan", map[string]any{
			"path": t.path, "name": t.plan.Recipe.Name, "tensors": s.Tensors, "bytes": s.FileBytes,
			"bpw": s.Bits, "nominal_bpw": s.NominalBits, "fallbacks": s.Fallbacks,
		})
		return
	}
	fallbacks := "no tensor fell back"
	if s.Fallbacks > 0 {
		fallbacks = fmt.Sprintf("%d tensors fell back to another type", s.Fallbacks)
	}
	a.Note("%s: %d tensors, %s, %.2f bits per weight nominal, %.2f real, %s",
		t.plan.Recipe.Name, s.Tensors, ui.Bytes(s.FileBytes), s.NominalBits, s.Bits, fallbacks)
	if c := t.plan.Coverage; c != nil {
		a.Note("%s", c)
	}
}

// printPlan shows the whole plan: the answer of --dry-run.
func (a *app) printPlan(targets []target) {
	for _, t := range targets {
		if a.JSON {
			a.Object(map[string]any{"type": "plan", "path": t.path, "plan": t.plan})
			continue
		}
		rows := [][]string{{"TENSOR", "SHAPE", "FROM", "TO", "SIZE", ""}}
		for _, c := range t.plan.Tensors {
			note := ""
			if c.Fallback() {
				note = fmt.Sprintf("rows do not fit %s", c.Wanted)
			}
			rows = append(rows, []string{c.Info.Name, shapeText(c.Info.Shape), c.From.String(), c.Info.Type.String(), ui.Bytes(c.Info.Size()), note})
		}
		a.Table(a.Out, rows)
		a.planned(t)
		a.Printf("%s\n", t.path)
	}
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
