package arch

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed proofs.tsv
var proofs string // by internal/fixtures/models

// Proof says what a class is held to by the tests.
type Proof struct {
	Class      string   `json:"class"`
	Models     int      `json:"models"`               // small checkpoints whose logits or embeddings equal transformers'
	Divergence *float64 `json:"divergence,omitempty"` // llama.cpp's largest mean from transformers on their files, in nats; nil: it runs none as the model does
	Notes      []string `json:"notes,omitempty"`      // where llama.cpp differs, whatever writes the file
}

// Proofs lists what the classes of an architecture are held to.
func (a Arch) Proofs() []Proof {
	var all []Proof
	for _, class := range a.Classes {
		for line := range strings.Lines(proofs) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if f[0] != class {
				continue
			}
			p := Proof{Class: class}
			p.Models, _ = strconv.Atoi(f[1])
			if d, err := strconv.ParseFloat(f[2], 64); err == nil {
				p.Divergence = &d
			}
			for _, note := range f[3:] {
				if note != "" {
					p.Notes = append(p.Notes, note)
				}
			}
			all = append(all, p)
		}
	}
	return all
}
