package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/vocab"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// isFolder tells a checkpoint folder from a GGUF file.
func isFolder(path string) (bool, error) {
	info, err := os.Stat(path)
	return err == nil && info.IsDir(), err
}

// loadTokenizer reads the vocabulary of a MODEL: a GGUF file or a checkpoint
// folder, whose weights are not touched. With pre, the name of a pre-tokenizer,
// a folder is read as the converter reads it.
func (a *app) loadTokenizer(path, pre string) (*tokenizer.Tokenizer, error) {
	folder, err := isFolder(path)
	if err != nil {
		return nil, err
	}
	if !folder {
		words, err := ggufTokenizer(path, pre)
		return words, named(path, err)
	}
	files, err := hf.OpenFolder(path)
	if err != nil {
		return nil, err
	}
	if pre == "" {
		words, err := tokenizer.FromCheckpoint(files)
		return words, named(path, err)
	}
	var class string
	if config, err := files.ReadJSON("config.json"); err == nil {
		class, _ = arch.Class(config) // without one the common rules hold
	}
	words, err := vocab.Read(files, vocab.Options{Rules: arch.VocabularyOf(class), Pre: pre})
	if err != nil {
		return nil, named(path, err)
	}
	for _, note := range words.Notes {
		a.Warn("%s", note)
	}
	return words.Tokenizer, nil
}

// ggufTokenizer reads the vocabulary of a GGUF file, with the pre-tokenizer
// pre where it is not empty.
func ggufTokenizer(path, pre string) (*tokenizer.Tokenizer, error) {
	file, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	kvs := file.KVs()
	if pre != "" {
		if _, err := pattern.Lookup(pre); err != nil {
			return nil, fault.Invalid("--pre: %w", err)
		}
		kvs = kvs.Clone()
		kvs.Set("tokenizer.ggml.pre", pre)
	}
	return tokenizer.FromGGUF(kvs)
}

// named puts the file before what is wrong in it.
func named(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

// openModel opens a MODEL for computing, with its tokenizer.
func (a *app) openModel(ctx context.Context, path string) (*forward.Model, *tokenizer.Tokenizer, error) {
	return a.openWith(ctx, path, false)
}

// openWith opens a MODEL whose weights the system may forget once they were
// used.
func (a *app) openWith(ctx context.Context, path string, releaseBehind bool) (*forward.Model, *tokenizer.Tokenizer, error) {
	o := forward.Options{Run: forward.Run{Workers: a.jobs, Rounded: a.rounded}, ReleaseBehind: releaseBehind}
	if n, err := a.memory(); err == nil && n > 0 {
		o.MapLimit = min(2<<30, n/2) // mapped pages count as the process's own
	}
	model, err := forward.Open(ctx, path, o)
	if err != nil {
		return nil, nil, err
	}
	words, err := model.Tokenizer()
	if err != nil {
		model.Close()
		return nil, nil, named(path, err)
	}
	if words.Size() > model.Vocabulary() {
		model.Close()
		return nil, nil, fault.Corrupt("%s: its tokenizer has %d tokens, but the model computes only %d logits", path, words.Size(), model.Vocabulary())
	}
	return model, words, nil
}

// readText reads a text file, or standard input for "-".
func (a *app) readText(path string) (string, error) {
	if path == "-" {
		text, err := io.ReadAll(a.stdin)
		return string(text), err
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// baseName is the last element of a path, also of "." and of "dir/".
func baseName(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return strings.TrimSuffix(filepath.Base(path), string(filepath.Separator))
}

// modelName is what the output is named after: the folder, or the repository
// where the folder is a snapshot in the cache of Hugging Face, whose name is
// a commit.
func modelName(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	snapshots := filepath.Dir(filepath.Clean(dir))
	repository := strings.Split(filepath.Base(filepath.Dir(snapshots)), "--")
	if filepath.Base(snapshots) == "snapshots" && len(repository) > 1 && repository[0] == "models" {
		return repository[len(repository)-1]
	}
	return baseName(dir)
}
