// Package cli is the command line of mq: one file per command, one switch
// from errors to exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/convert/vocab"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// app is what every command shares.
type app struct {
	session.Session
	command   string // as it was typed
	verbose   bool
	keepFiles bool // of the Hub, in its cache
	rounded   bool // models round activations as llama.cpp does
	paired    bool // models may compute products of pairs
	parsed    bool // flags and arguments were accepted: later errors are not usage errors
}

// registerPre adds the flag that names the pre-tokenizer.
func registerPre(flags *pflag.FlagSet, pre *string) {
	flags.StringVar(pre, "pre", "", "pre-tokenizer (tokenizer.ggml.pre) to take instead of the one that is recognized")
}

// checkpointFlags adds the flags that say how a checkpoint is read.
func (a *app) checkpointFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&a.Files.FollowLinks, "follow-links", false, "read files of a checkpoint behind links that lead out of its folder")
	fs.StringVar(&a.Files.As.Class, "as", "", "read a checkpoint as one of this CLASS, whatever its config.json says")
	fs.BoolVar(&a.keepFiles, "cache", false, "keep the files of a repository of the Hub in its cache")
	a.descriptionFlag(fs)
}

// descriptionFlag adds the one that also says what a file of an unknown
// architecture is.
func (a *app) descriptionFlag(fs *pflag.FlagSet) {
	fs.StringVar(&a.Files.As.File, "arch", "", "read a checkpoint, or a file of an unknown architecture, by the description in this FILE")
}

// readDescription reads the file of --arch.
func (a *app) readDescription() error {
	r := &a.Files.As
	if r.File == "" {
		return nil
	}
	text, err := atomicfile.ReadFile(r.File, atomicfile.MaxSettings)
	if err != nil {
		return err
	}
	r.Description = string(text)
	_, err = arch.Described(*r)
	return err
}

// loadTokenizer reads the vocabulary of a MODEL: a GGUF file or a checkpoint
// folder, whose weights are not touched. With pre, the name of a pre-tokenizer,
// a folder is read as the converter reads it.
func (a *app) loadTokenizer(ctx context.Context, path, pre string) (*tokenizer.Tokenizer, error) {
	folder, err := a.Files.IsFolder(path)
	if err != nil {
		return nil, err
	}
	if !folder {
		words, err := ggufTokenizer(path, pre)
		return words, named(path, err)
	}
	if pre == "" {
		files, err := a.Files.Folder(ctx, path)
		if err != nil {
			return nil, err
		}
		words, err := tokenizer.FromCheckpoint(files.Unrecorded())
		return words, named(path, err)
	}
	words, err := a.readVocabulary(ctx, path, pre)
	if err != nil {
		return nil, err
	}
	for _, note := range words.Notes {
		a.Warn("%s", note)
	}
	return words.Tokenizer, nil
}

// readVocabulary reads the vocabulary of a folder as the converter does.
func (a *app) readVocabulary(ctx context.Context, path, pre string) (*vocab.Vocabulary, error) {
	files, err := a.Files.Folder(ctx, path)
	if err != nil {
		return nil, err
	}
	var rules arch.Vocabulary // without a config.json the common ones hold
	if config, err := files.ReadJSON("config.json"); err == nil {
		rules = arch.VocabularyFor(config)
	}
	words, err := vocab.Read(ctx, files, vocab.Options{Rules: rules, Pre: pre})
	return words, named(path, err)
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
	o := forward.Options{Run: forward.Run{Workers: a.Jobs, Rounded: a.rounded, Paired: a.paired}, Files: a.Files}
	if a.MaxMemory > 0 {
		o.MapLimit = min(2<<30, a.MaxMemory/2) // mapped pages count as the process's own
	}
	model, err := forward.Open(ctx, path, o)
	if err != nil {
		return nil, nil, a.unknown(ctx, path, err)
	}
	words, err := model.Tokenizer()
	if err != nil {
		model.Close()
		return nil, nil, named(path, err)
	}
	if words.Size() > model.Tokens() {
		model.Close()
		return nil, nil, fault.Corrupt("%s: its tokenizer has %d tokens, but the model's embedding only %d rows", path, words.Size(), model.Tokens())
	}
	return model, words, nil
}

// unknown adds to the error of a class that is not known which are that have
// the checkpoint's tensors.
func (a *app) unknown(ctx context.Context, path string, err error) error {
	if !errors.Is(err, arch.ErrClass) {
		return err
	}
	ckpt, e := a.Files.Open(ctx, path)
	if e != nil {
		return err
	}
	defer ckpt.Close()
	return convert.Unknown(ctx, ckpt, err)
}

// version returns which build this is, from the module's build information.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	if revision := setting(info, "vcs.revision"); revision != "" && info.Main.Version == "(devel)" {
		return "devel-" + revision[:min(12, len(revision))]
	}
	return info.Main.Version
}

// build is what a report of a fault needs to know beside the version: commit
// and date, as far as the build knows them, compiler, system and kernels.
func build() string {
	var lines []string
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, fmt.Sprintf("%-8s %s\n", name, value))
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		revision := setting(info, "vcs.revision")
		if revision != "" && setting(info, "vcs.modified") == "true" {
			revision += ", changed"
		}
		add("commit", revision)
		add("date", setting(info, "vcs.time"))
	}
	add("built", runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH)
	add("kernels", kernel.Name())
	return strings.Join(lines, "")
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
