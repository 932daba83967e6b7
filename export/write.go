package export

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
)

// Write writes the checkpoint into a folder that is not there yet. It gets its
// name when it is whole.
func (p *Plan) Write(ctx context.Context, dir string, report progress.Func) (err error) {
	if err := p.check(dir); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".partial-")
	if err != nil {
		return fault.Op("export").Folder(dir).IO("%w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temp)
		}
	}()
	done, total := int64(0), p.Bytes()
	for _, s := range p.shards {
		err := writeFile(filepath.Join(temp, s.name), func(w io.Writer) error {
			if _, err := w.Write(s.header); err != nil {
				return err
			}
			for i, t := range s.streams {
				if err := copyTensor(ctx, w, t); err != nil {
					return err
				}
				done += s.placed[i].Size
				report.Report(progress.Report{Note: t.Name, Done: done, Total: total, Bytes: true})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	texts := map[string][]byte{"config.json": p.Config, "model.safetensors.index.json": p.index()}
	maps.Copy(texts, p.tokenizer)
	for name, data := range texts {
		if data == nil {
			continue
		}
		err := writeFile(filepath.Join(temp, name), func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return fault.Op("export").Folder(dir).IO("%w", err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return fault.Op("export").Folder(dir).IO("%w", err)
	}
	return atomicfile.SyncName(dir)
}

// check returns an error where the folder cannot be written.
func (p *Plan) check(dir string) error {
	switch _, err := os.Lstat(dir); {
	case err == nil:
		return fault.Op("export").Folder(dir).Invalid("it exists already")
	case !os.IsNotExist(err):
		return fault.Op("export").Folder(dir).Invalid("%w", err)
	}
	return atomicfile.CheckSpace([]string{dir}, []int64{p.Bytes()})
}

// index is the index of several files; nil for one.
func (p *Plan) index() []byte {
	if len(p.shards) < 2 {
		return nil
	}
	at := map[string]string{}
	for _, s := range p.shards {
		for _, t := range s.placed {
			at[t.Name] = s.name
		}
	}
	text, err := json.MarshalIndent(map[string]any{"metadata": map[string]int64{"total_size": p.Bytes()}, "weight_map": at}, "", "  ")
	if err != nil {
		panic(err) // strings and numbers
	}
	return append(text, '\n')
}

func shardName(i, n int) string {
	if n == 1 {
		return "model.safetensors"
	}
	return fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n)
}

// writeFile brings a file to disk.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fault.Op("export").File(path).IO("%w", err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	for _, step := range []func() error{w.Flush, f.Sync, f.Close} {
		if err := step(); err != nil {
			return fault.Op("export").File(path).IO("%w", err)
		}
	}
	return nil
}

// copyTensor writes a tensor some rows at a time.
func copyTensor(ctx context.Context, w io.Writer, s gguf.Stream) error {
	row := s.RowBytes()
	step := max(1, 4<<20/max(row, 1))
	buffer := make([]byte, min(step, s.Rows())*row)
	for first := int64(0); first < s.Rows(); first += step {
		part := buffer[:min(step, s.Rows()-first)*row]
		if err := s.ReadRows(ctx, part, first); err != nil {
			return err
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func reversed(shape []int64) []int64 {
	shape = slices.Clone(shape)
	slices.Reverse(shape)
	return shape
}
