package session

import (
	"context"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/validate"
	"github.com/f190792d/mq/validate/template"
)

// Validate runs the checks of a file.
func (s *Session) Validate(ctx context.Context, path string, o validate.Options) (*validate.Report, error) {
	steps := s.Steps()
	defer steps.Finish()
	o.Workers, o.Memory, o.Files = s.Jobs, s.Budget(), s.Files
	o.Render, o.Lint = template.Render, template.Lint
	o.Progress = steps.Show
	report, err := validate.File(ctx, path, o)
	if err == nil {
		report.Refined, err = pipeline.Refined(ctx, path)
	}
	return report, err
}

// Rederive makes a file again and fails where the file differs from that.
func (s *Session) Rederive(ctx context.Context, path, source, matrix string, texts *pipeline.Refine) error {
	steps := s.Steps()
	departures, err := pipeline.Rederive(ctx, path, source, pipeline.RederiveOptions{
		Matrix: matrix, Refine: texts, Workers: s.Jobs, Memory: s.Budget(), Progress: steps.Show, Files: s.Files,
	})
	steps.Finish()
	if err != nil {
		return err
	}
	for _, d := range departures {
		if s.JSON {
			s.Event("departure", map[string]any{"tensor": d.Tensor, "reason": d.Reason, "at": d.At})
		} else {
			s.Printf("%s\n", d)
		}
	}
	if len(departures) > 0 {
		return fault.Check("%s: %d tensors are not what %s gives, the first: %s", path, len(departures), source, departures[0])
	}
	s.Note("%s: every byte of its tensors is what %s gives", path, source)
	return nil
}
