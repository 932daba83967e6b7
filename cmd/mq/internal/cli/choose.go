package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize/budget"
)

// sensitivityRuns is in how many groups the tensors are altered to measure
// what they do, each with one run of the model.
const sensitivityRuns = 56

// checkBudget refuses a size that no types can meet, before the model runs.
func (s *study) checkBudget() error {
	if !s.flags.budget.asked() {
		return nil
	}
	options := s.options
	if s.flags.collect.text != "" {
		var err error
		if options.Importance, err = s.uniform(); err != nil {
			return err
		}
	}
	target, types, err := s.target()
	if err != nil {
		return err
	}
	return budget.Check(s.production.kvs, s.infos(), options, types, target)
}

func (s *study) target() (target budget.Target, types []gguf.Type, err error) {
	if target, err = s.flags.budget.target(); err != nil {
		return target, nil, err
	}
	types, err = s.flags.budget.candidates()
	return target, types, err
}

// choose finds the types for the size that was asked for. A set of files has
// more headers than one file: what they exceed the size by is taken off.
func (s *study) choose(ctx context.Context, plan func() (*production, error)) error {
	target, types, err := s.target()
	if err != nil {
		return err
	}
	profile, err := s.profile(ctx, types)
	if err != nil {
		return err
	}
	asked := target.Bytes
	for {
		choice, err := budget.Choose(s.production.kvs, s.infos(), s.options, profile, target)
		if err != nil {
			return err
		}
		recipe := choice.Recipe
		recipe.Name = s.flags.budget.name()
		s.ready.recipe, s.ready.overrides, s.types = &recipe, choice.Overrides, choice.TypeFile()
		s.flags.ready = s.ready
		p, err := plan()
		if err != nil {
			return err
		}
		excess := p.Targets[0].Plan.Summary.FileBytes - asked
		if asked == 0 || excess <= 0 {
			s.report(choice, profile, p)
			return nil
		}
		target.Bytes -= excess
	}
}

// report shows the choice: for each kind of tensor how many have which type.
func (s *study) report(c *budget.Choice, profile *budget.Profile, p *production) {
	summary := p.Targets[0].Plan.Summary
	byKind := map[string]map[string]int{}
	var kinds []string
	types := map[string]string{}
	for _, choice := range p.Targets[0].Plan.Tensors {
		types[choice.Info.Name] = choice.Info.Type.String()
	}
	for _, t := range profile.Tensors {
		kind := t.Name
		if strings.HasPrefix(kind, "blk.") {
			kind = kind[strings.Index(kind[4:], ".")+5:]
		}
		if byKind[kind] == nil {
			byKind[kind] = map[string]int{}
			kinds = append(kinds, kind)
		}
		byKind[kind][types[t.Name]]++
	}
	if s.JSON {
		s.Event("mixture", map[string]any{
			"name": s.ready.recipe.Name, "bytes": summary.FileBytes, "bpw": summary.Bits, "sensitivity": profile.Sensitivity,
			"expected_kld": c.Cost, "types": types,
		})
		return
	}
	expected := ""
	if profile.Sensitivity == "model" {
		expected = fmt.Sprintf(", expected KL divergence %.5f", c.Cost)
	}
	s.Note("chosen for %s: %s, %.3f bits per weight%s", s.ready.recipe.Name, ui.Bytes(summary.FileBytes), summary.Bits, expected)
	for _, kind := range kinds {
		var parts []string
		for _, t := range gguf.Types() {
			if n := byKind[kind][t.String()]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d × %s", n, t))
			}
		}
		s.Note("  %-24s %s", kind, strings.Join(parts, ", "))
	}
}

// profile measures what types do to tensors, or reads what an earlier run has
// measured.
func (s *study) profile(ctx context.Context, types []gguf.Type) (*budget.Profile, error) {
	by, err := s.way(ctx)
	if err != nil {
		return nil, err
	}
	var tokens []int32
	if by == "model" {
		words, err := s.loadTokenizer(s.path, "")
		if err != nil {
			return nil, err
		}
		tokens = s.promptTokens(words)
	}
	fingerprint, err := budget.Fingerprint(ctx, s.production.Sources, s.options, types, by, tokens)
	if err != nil {
		return nil, err
	}
	cache, given := s.flags.budget.sensitivity, s.flags.budget.sensitivity != ""
	if !given {
		cache = cachePath(fingerprint)
	}
	if data := readCache(cache); data != nil {
		p, err := budget.ParseProfile(cache, data)
		switch {
		case err != nil && given:
			return nil, err
		case err == nil && p.Fingerprint == fingerprint:
			s.Note("sensitivities of an earlier run are used: %s", cache)
			return p, nil
		case given:
			s.Warn("%s: measured on another model, matrix or text; it is measured again and replaced", cache)
		}
	}
	p, err := s.measure(ctx, types, by, tokens)
	if err != nil {
		return nil, err
	}
	p.Fingerprint = fingerprint
	if err := writeCache(cache, p); err != nil && given {
		return nil, err
	}
	return p, nil
}

// way is how sensitivities are found: as asked, or by running the model where
// it can be run and fits three quarters of the memory.
func (s *study) way(ctx context.Context) (string, error) {
	if by := s.flags.budget.by; by != "" {
		return by, nil
	}
	if limit := 3 * s.budget(); s.production.origin.Bytes > limit {
		s.Note("the model is larger than %s: sensitivities are guessed; --sensitivity-by model measures them", ui.Bytes(limit))
		return "weights", nil
	}
	model, _, err := s.openModel(ctx, s.path)
	if errors.Is(err, fault.ErrUnsupported) {
		s.Warn("sensitivities are guessed, the model cannot be run: %v", err)
		return "weights", nil
	}
	if err != nil {
		return "", err
	}
	return "model", model.Close()
}

func (s *study) measure(ctx context.Context, types []gguf.Type, by string, tokens []int32) (*budget.Profile, error) {
	step, finish := s.step("measuring types")
	p, err := budget.NewProfile(ctx, s.production.Sources, s.options, budget.MeasureOptions{Types: types, Workers: s.jobs, Progress: step})
	finish()
	if err != nil || by == "weights" {
		return p, err
	}
	model, _, err := s.openWith(ctx, s.path, s.production.origin.Bytes > s.budget())
	if err != nil {
		return nil, err
	}
	defer model.Close()
	groups := p.Groups(sensitivityRuns)
	step, finish = s.step("measuring sensitivities")
	divergences, err := eval.MeasureSensitivity(ctx, model, [][]int32{tokens}, groups, budget.Round, step)
	finish()
	if err != nil {
		return nil, err
	}
	p.Calibrate(groups, divergences)
	return p, nil
}

// cachePath is where a profile is kept when no file is given; empty where the
// user has no cache folder.
func cachePath(fingerprint string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "mq", "sensitivity", fingerprint+".json")
}

// writeCache keeps a profile.
func writeCache(path string, p *budget.Profile) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.IO("%s: cannot keep the sensitivities: %w", path, err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	file, err := atomicfile.Create(path, atomicfile.Options{Force: true, Stale: atomicfile.Drop})
	if err != nil {
		return err
	}
	defer file.Abort()
	if _, err := file.Write(slices.Concat(data, []byte("\n"))); err != nil {
		return fault.IO("%s: cannot keep the sensitivities: %w", path, err)
	}
	return file.Commit()
}
