package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/pipeline/internal/journal"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/refine"
)

// provenance is what OUT.gguf.mq.json says.
type provenance struct {
	Schema       int              `json:"schema"`
	Program      string           `json:"program"`
	Version      string           `json:"version"`
	Source       Source           `json:"source"`
	Inputs       []HashedFile     `json:"inputs"`
	Outputs      []HashedFile     `json:"outputs"`
	Plan         *quantize.Plan   `json:"plan"`
	Refined      []refine.Outcome `json:"refined,omitempty"`
	Verification any              `json:"verification,omitempty"`
	Part         int              `json:"part,omitempty"` // from 1
	Parts        int              `json:"parts,omitempty"`
}

// HashedFile is a file by its content.
type HashedFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Verification is what JSON output and provenance say of a comparison.
type Verification struct {
	Path   string      `json:"path"`
	Top1   *float64    `json:"top1,omitempty"` // share of positions
	Tokens int         `json:"tokens"`         // positions compared
	KLD    *Divergence `json:"kld,omitempty"`

	Embeddings *eval.Closeness `json:"embeddings,omitempty"` // of models without logits, in place of Top1 and KLD
}

// Divergence is the Kullback-Leibler divergence from the source, in nats.
type Divergence struct {
	Mean float64 `json:"mean"`
	Max  float64 `json:"max"`
}

// Verification returns the figures of the comparison with the source, nil
// where there was none.
func (r Result) Verification() *Verification {
	if r.Checked == nil {
		return nil
	}
	if e := r.Checked.Embeddings; e != nil {
		return &Verification{Path: r.Path, Tokens: e.Tokens, Embeddings: &e.Closeness}
	}
	l := r.Checked.Logits
	if l == nil {
		return nil
	}
	return &Verification{Path: r.Path, Top1: &l.Top1, Tokens: l.Tokens, KLD: &Divergence{l.MeanKLD, l.MaxKLD}}
}

// sidecars writes what was asked for beside a target that has its name.
func (j *Job) sidecars(ctx context.Context, t journal.Target, r *Result) error {
	if !j.o.SHA256 && !j.o.Provenance {
		return nil
	}
	var outputs []HashedFile
	for _, path := range t.Paths() {
		h, err := j.hash(ctx, path)
		if err != nil {
			return err
		}
		outputs = append(outputs, h)
		if j.o.SHA256 {
			if err := writeSmall(path+".sha256", fmt.Appendf(nil, "%s  %s\n", h.SHA256, h.Name)); err != nil {
				return err
			}
		}
	}
	if !j.o.Provenance {
		return nil
	}
	if j.hashed == nil {
		for _, path := range j.inputs {
			h, err := j.hash(ctx, path)
			if err != nil {
				return err
			}
			j.hashed = append(j.hashed, h)
		}
		j.hashed = append(j.hashed, j.in.small()...)
	}
	p := provenance{
		Schema: 1, Program: "mq", Version: j.o.Version, Source: j.Source, Inputs: j.hashed, Outputs: outputs, Plan: t.Plan, Refined: r.Refined, Parts: t.Parts,
	}
	path := t.Path
	if t.Parts > 0 {
		p.Part, path = t.Part+1, t.Paths()[0]
	}
	if v := r.Verification(); v != nil {
		p.Verification = v
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return writeSmall(path+".mq.json", append(text, '\n'))
}

// writeSmall writes a sidecar, over the one of an earlier output.
func writeSmall(path string, data []byte) error {
	return atomicfile.WriteFile(path, data, atomicfile.Options{Force: true})
}

// hash reads a whole file.
func (j *Job) hash(ctx context.Context, path string) (HashedFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return HashedFile{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return HashedFile{}, err
	}
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for done := int64(0); ; {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		done += int64(n)
		j.o.Progress.Report(progress.Report{Step: "hashing", Note: filepath.Base(path), Done: done, Total: info.Size(), Bytes: true})
		if err == io.EOF {
			return HashedFile{filepath.Base(path), done, hex.EncodeToString(h.Sum(nil))}, nil
		}
		if err != nil {
			return HashedFile{}, fault.File(path).IO("cannot read it to hash it: %w", err)
		}
		if ctx.Err() != nil {
			return HashedFile{}, context.Cause(ctx)
		}
	}
}
