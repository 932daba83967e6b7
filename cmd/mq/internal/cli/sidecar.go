package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/cmd/mq/internal/produce"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/quantize"
)

// provenance is what OUT.gguf.mq.json says.
type provenance struct {
	Program      string         `json:"program"`
	Version      string         `json:"version"`
	Source       origin         `json:"source"`
	Inputs       []hashedFile   `json:"inputs"`
	Outputs      []hashedFile   `json:"outputs"`
	Plan         *quantize.Plan `json:"plan"`
	Verification any            `json:"verification,omitempty"`
	Part         int            `json:"part,omitempty"` // from 1
	Parts        int            `json:"parts,omitempty"`
}

type hashedFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// provenancePath is the sidecar of a target.
func provenancePath(t produce.Target) string {
	if t.Parts > 0 {
		return t.Paths()[0] + ".mq.json"
	}
	return t.Path + ".mq.json"
}

// sidecars writes what was asked for beside a target that has its name.
func (a *app) sidecars(ctx context.Context, p *production, t produce.Target) error {
	if !p.flags.sha256 && !p.flags.provenance {
		return nil
	}
	var outputs []hashedFile
	for _, path := range t.Paths() {
		h, err := a.hashFile(ctx, path)
		if err != nil {
			return err
		}
		outputs = append(outputs, h)
		if p.flags.sha256 {
			if err := writeSmall(path+".sha256", fmt.Appendf(nil, "%s  %s\n", h.SHA256, h.Name)); err != nil {
				return err
			}
		}
	}
	if !p.flags.provenance {
		return nil
	}
	if p.hashed == nil {
		for _, path := range p.Inputs {
			h, err := a.hashFile(ctx, path)
			if err != nil {
				return err
			}
			p.hashed = append(p.hashed, h)
		}
	}
	text, err := json.MarshalIndent(provenance{
		Program: "mq", Version: version(), Source: p.origin, Inputs: p.hashed, Outputs: outputs,
		Plan: t.Plan, Verification: p.agreement[t.Path], Part: partNumber(t), Parts: t.Parts,
	}, "", "  ")
	if err != nil {
		return err
	}
	return writeSmall(provenancePath(t), append(text, '\n'))
}

// writeSmall writes a sidecar, over the one of an earlier output.
func writeSmall(path string, data []byte) error {
	f, err := atomicfile.Create(path, atomicfile.Options{Force: true})
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// hashFile reads a whole file.
func (a *app) hashFile(ctx context.Context, path string) (hashedFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return hashedFile{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return hashedFile{}, err
	}
	progress := a.Progress("hashing", info.Size(), ui.ByteCount)
	defer progress.Finish()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for done := int64(0); ; {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		done += int64(n)
		progress.Set(done, filepath.Base(path))
		if err == io.EOF {
			return hashedFile{filepath.Base(path), done, hex.EncodeToString(h.Sum(nil))}, nil
		}
		if err != nil {
			return hashedFile{}, fault.IO("%s: cannot read it to hash it: %w", path, err)
		}
		if ctx.Err() != nil {
			return hashedFile{}, context.Cause(ctx)
		}
	}
}
