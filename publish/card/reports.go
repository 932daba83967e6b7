package card

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/atomicfile"
)

// Figures are what a comparison with the source has measured.
type Figures struct {
	KLD    float64 // mean, in nats
	Top1   float64 // share of positions
	Tokens int     // positions compared
	from   string  // the report
}

// measured is one comparison in a report: of a file by its name and, where
// the report says it, its size.
type measured struct {
	name  string
	bytes int64
	Figures
}

// maxReport is more than a report of a model with 100,000 tensors takes.
const maxReport = 64 << 20

// measure reads the reports in the folders of the files. Of several on one
// file the one that has compared most counts.
func (c *Card) measure() error {
	for _, m := range read(c.Report) {
		c.take("", m)
	}
	var folders []string
	for _, f := range c.Files {
		if dir := filepath.Dir(f.Paths[0]); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	for _, dir := range folders {
		reports, err := filepath.Glob(filepath.Join(escaped(dir), "*.json"))
		if err != nil {
			return err
		}
		for _, path := range reports {
			text, err := atomicfile.ReadFile(path, maxReport)
			if err != nil {
				continue // whatever it is, it is no report
			}
			for _, m := range read(text) {
				m.from = filepath.Base(path)
				c.take(dir, m)
			}
		}
	}
	return nil
}

// escaped is a path as a pattern that matches it alone.
func escaped(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// take gives figures to the file that they are of, in a folder or anywhere.
func (c *Card) take(dir string, m measured) {
	for i := range c.Files {
		f := &c.Files[i]
		if m.name != f.Name || dir != "" && filepath.Dir(f.Paths[0]) != dir || m.Tokens <= 0 {
			continue
		}
		if m.bytes > 0 && m.bytes != f.Bytes {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s is about a file %s of %d bytes, which has %d now: its figures are left out", m.from, m.name, m.bytes, f.Bytes))
			continue
		}
		if f.Measured == nil || m.Tokens > f.Measured.Tokens {
			f.Measured = &m.Figures
		}
	}
}

// divergence is how reports spell a comparison.
type divergence struct {
	Path string  `json:"path"`
	Top1 float64 `json:"top1"`
	KLD  *struct {
		Mean float64 `json:"mean"`
	} `json:"kld"`
	Tokens int `json:"tokens"`
}

// report is every report of mq at once: of a validation, an evaluation, a
// conversion, a batch, and provenance.
type report struct {
	divergence
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Logits *struct {
		Top1   float64 `json:"top1"`
		Mean   float64 `json:"mean_kld"`
		Tokens int     `json:"tokens"`
	} `json:"logits"`
	Outputs []struct {
		Name string `json:"name"`
		Size int64  `json:"size"`
	} `json:"outputs"`
	Verification *divergence `json:"verification"`
	Results      []struct {
		Path   string      `json:"path"`
		Bytes  int64       `json:"bytes"`
		Verify *divergence `json:"verify"`
	} `json:"results"`
}

// read finds the comparisons in a file of JSON, which may hold several values.
func read(text []byte) (all []measured) {
	values := json.NewDecoder(bytes.NewReader(text))
	for {
		var raw json.RawMessage
		if values.Decode(&raw) != nil {
			return all
		}
		var r report
		if json.Unmarshal(raw, &r) == nil {
			all = append(all, r.measured()...)
		}
	}
}

func (r *report) measured() (all []measured) {
	add := func(path string, bytes int64, f Figures) {
		all = append(all, measured{name: filepath.Base(filepath.FromSlash(path)), bytes: bytes, Figures: f})
	}
	compared := func(path string, bytes int64, d *divergence) {
		if d != nil && d.KLD != nil {
			add(path, bytes, Figures{KLD: d.KLD.Mean, Top1: d.Top1, Tokens: d.Tokens})
		}
	}
	switch {
	case r.Logits != nil:
		add(r.File, r.Bytes, Figures{KLD: r.Logits.Mean, Top1: r.Logits.Top1, Tokens: r.Logits.Tokens})
	case r.File != "" && r.KLD != nil:
		add(r.File, 0, Figures{KLD: r.KLD.Mean, Top1: r.Top1, Tokens: r.Tokens})
	case r.Verification != nil && len(r.Outputs) > 0:
		size := int64(0)
		for _, o := range r.Outputs {
			size += o.Size
		}
		compared(r.Outputs[0].Name, size, r.Verification)
	case r.Path != "":
		compared(r.Path, 0, &r.divergence)
	}
	for _, result := range r.Results {
		compared(result.Path, result.Bytes, result.Verify)
	}
	return all
}
