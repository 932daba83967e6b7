// Package session runs the library under a console: it gives its calls the
// common options, shows their progress and prints what comes of them.
package session

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/internal/memory"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/validate/template"
)

// Session is what every command shares: where it prints, and the budget.
type Session struct {
	ui.Console
	Stdin       io.Reader
	Jobs        int
	MaxMemory   int64  // bytes; 0 for the default
	MemoryGiven string // MaxMemory as it was given
	Version     string
	Files       hf.Options // how checkpoint folders are opened

	steps Steps // of the call that is running
}

// Budget is what a run may use of memory, in bytes.
func (s *Session) Budget() int64 {
	if s.MaxMemory > 0 {
		return s.MaxMemory
	}
	return memory.Default()
}

// common fills in the options that do not depend on the command.
func (s *Session) common(o *pipeline.Options) {
	o.Workers, o.Memory, o.Version = s.Jobs, s.Budget(), s.Version
	o.As = s.Files.As
	o.Render, o.Lint = template.Render, template.Lint
	o.Progress = s.Steps().Show
	o.Notify = func(n pipeline.Notice) {
		s.Steps().Finish()
		if n.Warning {
			s.Warn("%s", n.Text)
		} else {
			s.Note("%s", n.Text)
		}
	}
}

// Open plans a job for a checkpoint folder or a GGUF file. The closer is that
// of the input.
func (s *Session) Open(ctx context.Context, path string, o pipeline.Options) (job *pipeline.Job, input io.Closer, err error) {
	folder, err := s.Files.IsFolder(path)
	if err != nil {
		return nil, nil, err
	}
	defer s.Steps().Finish()
	s.common(&o)
	if folder {
		ckpt, err := s.Files.Open(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		job, err = pipeline.FromCheckpoint(ctx, ckpt, o)
		return job, ckpt, closing(ckpt, err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		return nil, nil, err
	}
	job, err = pipeline.FromGGUF(ctx, file, o)
	return job, file, closing(file, err)
}

// closing closes an input that could not be used.
func closing(input io.Closer, err error) error {
	if err != nil {
		return errors.Join(err, input.Close())
	}
	return nil
}

// IsFolder tells a checkpoint folder from a GGUF file.
func IsFolder(path string) (bool, error) {
	info, err := os.Stat(path)
	return err == nil && info.IsDir(), err
}

// ReadText reads a text file, or standard input for "-".
func (s *Session) ReadText(path string) (string, error) {
	if path == "-" {
		text, err := atomicfile.ReadAll(s.Stdin, "standard input", atomicfile.MaxText)
		return string(text), err
	}
	text, err := atomicfile.ReadFile(path, atomicfile.MaxText)
	return string(text), err
}

// Steps shows the steps of a call, one after the other. Bodies on their way to
// a server report from goroutines of their own, also when the call has ended.
type Steps struct {
	session *Session
	mu      sync.Mutex
	label   string
	shown   *ui.Progress
}

// Steps shows the steps of the call that is running.
func (s *Session) Steps() *Steps {
	s.steps.session = s
	return &s.steps
}

// Show moves a step; another step than before ends that.
func (p *Steps) Show(r progress.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Step != p.label || p.shown == nil {
		p.finish()
		p.label, p.shown = r.Step, p.session.Progress(r.Step).Events()
	}
	p.shown.Show(r)
}

// Finish ends the step that is shown.
func (p *Steps) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish()
}

func (p *Steps) finish() {
	if p.shown != nil {
		p.shown.Finish()
	}
	p.label, p.shown = "", nil
}
