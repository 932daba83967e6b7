package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// input is a file as it was when the run began.
type input struct {
	path string
	info fs.FileInfo
}

func inputsOf(paths []string) ([]input, error) {
	list := make([]input, len(paths))
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fault.IO("cannot look at an input: %w", err)
		}
		list[i] = input{path, info}
	}
	return list, nil
}

// unchanged reports an error where an input was replaced, resized or written
// to since the run began.
func (j *Job) unchanged() error {
	if j.Unchanged != nil {
		if err := j.Unchanged(); err != nil {
			return err
		}
	}
	for _, in := range j.inputs {
		now, err := os.Stat(in.path)
		if err != nil {
			return fault.File(in.path).Corrupt("the input was there at the start and cannot be found now: %w", err)
		}
		if !os.SameFile(now, in.info) || now.Size() != in.info.Size() || !now.ModTime().Equal(in.info.ModTime()) {
			return fault.File(in.path).Corrupt("the input was changed while it was read (size or time differ)")
		}
	}
	return nil
}

// identity digests what decides the bytes of the outputs.
func (j *Job) identity() (identity, error) {
	id := identity{Version: j.Version}
	source := sha256.New()
	fmt.Fprintln(source, j.Source)
	for _, in := range j.inputs {
		fmt.Fprintf(source, "%q %s\n", filepath.Base(in.path), atomicfile.Stamp(in.info))
	}
	id.Source = text(source)
	plan := sha256.New()
	for _, t := range j.Targets {
		for _, path := range t.Paths() {
			id.Files = append(id.Files, filepath.Base(path))
		}
		if err := t.Plan.WriteIdentity(plan); err != nil {
			return id, err
		}
	}
	id.Plan = text(plan)
	return id, nil
}

func text(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// differs says in what two identities disagree, or nothing.
func (a identity) differs(b identity) string {
	switch {
	case a.Version != b.Version:
		return fmt.Sprintf("mq was %s then and is %s now", b.Version, a.Version)
	case a.Format != b.Format:
		return "another build of mq has begun it"
	case a.Source != b.Source:
		return "the input has changed since"
	case a.Plan != b.Plan || fmt.Sprint(a.Files) != fmt.Sprint(b.Files):
		return "other outputs or other options were asked for"
	}
	return ""
}

// CheckpointSource digests the headers of a checkpoint: what each file says it
// holds, and the configuration.
func CheckpointSource(c *hf.Checkpoint) string {
	h := sha256.New()
	for _, t := range c.Tensors() {
		file, off, n := t.Section()
		fmt.Fprintf(h, "%q %s %v %q %d %d\n", t.Name, t.DType, t.Shape, file, off, n)
	}
	for _, f := range c.Files() {
		if f.Hash != "" {
			fmt.Fprintf(h, "%q %s\n", f.Name, f.Hash)
		}
	}
	if r := c.Reading(); r != (hf.Reading{}) {
		fmt.Fprintf(h, "%q %q\n", r.Class, r.Description)
	}
	for _, name := range []string{"config.json", "params.json", "adapter_config.json"} {
		if data, err := c.ReadFile(name); err == nil {
			h.Write(data)
		}
	}
	return text(h)
}

// FileSource digests the headers of a GGUF file.
func FileSource(f *gguf.File) string {
	h := sha256.New()
	for _, t := range f.Tensors() {
		fmt.Fprintf(h, "%q %s %v %d %d\n", t.Name, t.Type, t.Shape, t.Part(), t.Offset)
	}
	var b []byte
	for _, kv := range f.KVs() {
		b, _ = kv.Append(b[:0]) // what was read can be written
		h.Write(b)
	}
	return text(h)
}
