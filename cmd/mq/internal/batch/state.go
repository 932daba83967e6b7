package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/cmd/mq/internal/exit"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
)

// State is what a batch has finished.
type State struct {
	path string
	Done map[string]finishedJob `json:"finished"` // by model and type

	// Failed are the last results that were not good, although their files may
	// be there: those that missed a limit are.
	Failed map[string]*Result `json:"failed,omitempty"`
}

// finishedJob is a result with what it was made from and the file's stamp.
type finishedJob struct {
	Identity string  `json:"identity"`
	Stamp    string  `json:"stamp"` // size, times and number of the file
	Result   *Result `json:"result"`
}

// ReadState reads a state file; where there is none, nothing is finished.
func ReadState(path string) (*State, error) {
	s := &State{path: path, Done: map[string]finishedJob{}}
	text, err := atomicfile.ReadFile(path, atomicfile.MaxSettings)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.Done = nil
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fault.Corrupt("batch: %s: this is not a state file: %w", path, err)
	}
	if s.Done == nil {
		return nil, fault.Corrupt("batch: %s: this is not a state file: key \"finished\" is missing", path)
	}
	for key, job := range s.Done {
		if job.Result == nil {
			return nil, fault.Corrupt("batch: %s: this is not a state file: %q has no result", path, key)
		}
	}
	return s, nil
}

func (s *State) save() error {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(s.path, append(text, '\n'), atomicfile.Options{Force: true})
}

// identify digests what decides a model's results: its files as they look,
// the options and checks, and mq itself.
func (s *State) identify(version string, b *File, m *Model) string {
	h := sha256.New()
	options, _ := json.Marshal([]any{version, m.Path, m.Checks, m.Options, b.Limits, b.Output}) // plain values from YAML
	h.Write(options)
	path := b.at(m.Path)
	list := []string{path}
	if entries, err := os.ReadDir(path); err == nil {
		for _, e := range entries {
			list = append(list, filepath.Join(path, e.Name()))
		}
	}
	for _, option := range fileOptions {
		if name, ok := m.Options[option].(string); ok {
			list = append(list, b.at(name))
		}
	}
	for _, name := range list {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			fmt.Fprintf(h, "%q %s\n", filepath.Base(name), atomicfile.Stamp(info))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func jobKey(model, typeName string) string { return model + " " + typeName }

// finished returns the result of an earlier run whose file is still there.
func (s *State) finished(model, typeName, identity string) *Result {
	job, ok := s.Done[jobKey(model, typeName)]
	if !ok || job.Identity != identity {
		return nil
	}
	info, err := os.Stat(job.Result.Path)
	if err != nil || atomicfile.Stamp(info) != job.Stamp {
		return nil
	}
	kept := *job.Result
	kept.Kept = true
	return &kept
}

// note remembers a result.
func (s *State) note(r *Result, identity string) {
	key := jobKey(r.Model, r.Type)
	delete(s.Done, key)
	delete(s.Failed, key)
	if info, err := os.Stat(r.Path); r.Exit == exit.OK && err == nil {
		s.Done[key] = finishedJob{identity, atomicfile.Stamp(info), r}
		return
	}
	if s.Failed == nil {
		s.Failed = map[string]*Result{}
	}
	s.Failed[key] = r
}
