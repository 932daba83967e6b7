package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/f190792d/mq/cmd/mq/internal/exit"
	"github.com/f190792d/mq/cmd/mq/internal/publishing"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/publish/card"
)

// Publish says where the files of a model go when all of them are finished.
type Publish struct {
	Card    bool     `yaml:"card"`    // README.md in the files' folder
	Push    []string `yaml:"push"`    // addresses with {model}; those with {type} take one file each
	Create  bool     `yaml:"create"`  // repositories of the Hub
	Private bool     `yaml:"private"` // those that are created
}

// publishJob is the type of the result that tells of publishing.
const publishJob = "publish"

// checkPublish holds what is said about publishing to what can be done.
func (b *File) checkPublish(path string) error {
	cards := map[string]string{}
	for _, m := range b.Models {
		p := b.cardPath(&m)
		if other, twice := cards[p]; twice && b.Publish.Card {
			return fault.Invalid("batch: %s: publish: %s and %s would have one card, %s: give each model a folder, as in output: '{model}/{model}-{type}.gguf'", path, other, m.Name, p)
		}
		cards[p] = m.Name
		for _, to := range b.Publish.Push {
			if err := publishing.CheckDestination(b.destination(to, &m, "type")); err != nil {
				return fmt.Errorf("batch: %s: publish: %w", path, err)
			}
		}
	}
	return nil
}

// destination is where files of a model go.
func (b *File) destination(to string, m *Model, typ string) string {
	return strings.NewReplacer("{model}", m.Name, "{type}", strings.ToLower(typ)).Replace(to)
}

// cardPath is where the card of a model lies.
func (b *File) cardPath(m *Model) string {
	out := b.at(strings.ReplaceAll(b.Output, "{model}", m.Name))
	return filepath.Join(filepath.Dir(out), "README.md")
}

// publish writes the card of a model and pushes its files, if all are good.
// It is a job of its own, done again when a file or what is said of it changes.
func (r *Run) publish(ctx context.Context, m *Model, done []*Result) {
	p := r.File.Publish
	if !p.Card && len(p.Push) == 0 {
		return
	}
	for _, result := range done {
		if result.Exit != exit.OK {
			return
		}
	}
	identity := publishIdentity(p, m, done)
	if kept := r.State.finished(m.Name, publishJob, identity); kept != nil && !r.Force {
		r.Results = append(r.Results, kept)
		return
	}
	result := &Result{Model: m.Name, Type: publishJob, Path: done[0].Path}
	r.Results = append(r.Results, result)
	step := func(name string, do func() error) {
		if result.Exit == exit.OK && ctx.Err() == nil {
			begin := time.Now()
			result.add(r.Session, name, begin, do())
		}
	}
	var files []string
	for _, d := range done {
		files = append(files, d.Path)
	}
	all := files
	if p.Card {
		step("card", func() error {
			report, err := json.Marshal(map[string]any{"results": done})
			if err != nil {
				return err
			}
			o := card.Options{BaseModel: m.BaseModel, Repo: r.repository(m), Report: report}
			return publishing.WriteCard(r.Session, files, o, r.File.cardPath(m), true)
		})
		all = append(all[:len(all):len(all)], r.File.cardPath(m))
	}
	o := publishing.PushOptions{Create: p.Create, Private: p.Private}
	for _, to := range p.Push {
		if !strings.Contains(to, "{type}") {
			step("push", func() error { return publishing.Push(ctx, r.Session, r.File.destination(to, m, ""), all, o) })
			continue
		}
		for _, d := range done {
			step("push", func() error {
				return publishing.Push(ctx, r.Session, r.File.destination(to, m, d.Type), []string{d.Path}, publishing.PushOptions{})
			})
		}
	}
	r.State.note(result, identity)
}

// repository is OWNER/NAME of the first repository of the Hub that a model
// goes to, for its card.
func (r *Run) repository(m *Model) string {
	for _, to := range r.File.Publish.Push {
		if id := publishing.Repository(r.Session, r.File.destination(to, m, "")); id != "" {
			return id
		}
	}
	return ""
}

// publishIdentity digests what decides what is published.
func publishIdentity(p Publish, m *Model, done []*Result) string {
	h := sha256.New()
	text, _ := json.Marshal([]any{p, m.BaseModel}) // plain values from YAML
	h.Write(text)
	for _, d := range done {
		if info, err := os.Stat(d.Path); err == nil {
			fmt.Fprintf(h, "%q %s\n", d.Path, atomicfile.Stamp(info))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
