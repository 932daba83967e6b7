package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/quantize/budget"
)

const (
	// sensitivityRuns is in how many groups the tensors are altered to measure
	// their effect, each with one run of the model.
	sensitivityRuns = 56
	// sensitivityTokens is how much of a calibration text these runs take.
	sensitivityTokens = 256
)

// profile measures what types do to tensors, or reads what an earlier run has
// measured.
func (j *Job) profile(ctx context.Context, tokens []int32) (*budget.Profile, error) {
	by, err := j.way(ctx)
	if err != nil {
		return nil, err
	}
	if by == ByWeights {
		tokens = nil
	} else if tokens != nil {
		tokens = tokens[:min(len(tokens), sensitivityTokens)]
	} else if tokens, err = j.standardText(ctx); err != nil {
		return nil, err
	}
	fingerprint, err := budget.Fingerprint(ctx, j.in.streams, j.options(), j.o.Size.Candidates, string(by), tokens)
	if err != nil {
		return nil, err
	}
	cache, given := j.o.Size.Sensitivity, j.o.Size.Sensitivity != ""
	if !given {
		cache = cachePath(fingerprint)
	}
	data, err := atomicfile.ReadFile(cache, atomicfile.MaxSettings)
	if err != nil && given && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		p, err := budget.ParseProfile(cache, data)
		switch {
		case err != nil && given:
			return nil, err
		case err == nil && p.Fingerprint == fingerprint:
			j.o.note(false, "sensitivities of an earlier run are used: "+cache)
			return p, nil
		case given:
			j.o.note(true, cache+": measured on another model, matrix or text; it is measured again and replaced")
		}
	}
	p, err := j.measure(ctx, by, tokens)
	if err != nil {
		return nil, err
	}
	p.Fingerprint = fingerprint
	if err := writeCache(cache, p); err != nil && given {
		return nil, err
	}
	return p, nil
}

// standardText is what sensitivities are measured with where no calibration
// text is given: the text that conversions are checked with.
func (j *Job) standardText(ctx context.Context) ([]int32, error) {
	words, err := j.in.vocabulary()
	if err != nil {
		return nil, err
	}
	if words == nil {
		return nil, fault.File(j.in.path).Corrupt("it has no vocabulary to measure sensitivities with")
	}
	return eval.Prompt(ctx, words)
}

// way is how sensitivities are found: as asked, or by running the model where
// that can be done within three times the memory budget.
func (j *Job) way(ctx context.Context) (By, error) {
	if j.o.Size.By != ByDefault {
		return j.o.Size.By, nil
	}
	if limit := 3 * j.o.Memory; j.Source.Bytes > limit {
		j.o.note(false, fmt.Sprintf("the model is larger than %d bytes: sensitivities are guessed, not measured", limit))
		return ByWeights, nil
	}
	model, _, err := j.openModel(ctx)
	if errors.Is(err, fault.ErrUnsupported) {
		j.o.note(true, "sensitivities are guessed, the model cannot be run: "+err.Error())
		return ByWeights, nil
	}
	if err != nil {
		return "", err
	}
	if model.Vocabulary() == 0 {
		j.o.note(true, "sensitivities are guessed, the model computes embeddings and no logits")
		return ByWeights, model.Close()
	}
	return ByModel, model.Close()
}

func (j *Job) measure(ctx context.Context, by By, tokens []int32) (*budget.Profile, error) {
	p, err := budget.NewProfile(ctx, j.in.streams, j.options(), budget.MeasureOptions{
		Types: j.o.Size.Candidates, Workers: j.o.Workers, Progress: j.o.Progress.Named("measuring types"),
	})
	if err != nil || by == ByWeights {
		return p, err
	}
	model, _, err := j.openModel(ctx)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	groups := p.Groups(sensitivityRuns)
	divergences, err := eval.MeasureSensitivity(ctx, model, [][]int32{tokens}, groups, budget.Round, j.o.Progress.Named("measuring sensitivities"))
	if err != nil {
		return nil, err
	}
	p.Calibrate(groups, divergences)
	return p, nil
}

// cachePath is where a profile is kept when no file is given; empty where the
// user has no cache folder.
func cachePath(fingerprint string) string {
	if dir := cacheFolder("sensitivity"); dir != "" {
		return filepath.Join(dir, fingerprint+".json")
	}
	return ""
}

// cacheFolder is where the user's cache keeps things of a kind; empty where
// there is none.
func cacheFolder(kind string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "mq", kind)
}

// writeCache keeps a profile.
func writeCache(path string, p *budget.Profile) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.File(path).IO("cannot keep the sensitivities: %w", err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, append(data, '\n'), atomicfile.Options{Force: true, Stale: atomicfile.Drop})
}
