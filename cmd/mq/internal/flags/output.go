package flags

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/pipeline"
)

// Output is the group of flags that say where results go.
type Output struct {
	DryRun bool
	Ollama string // name in Ollama's store; {type} stands for the type

	LMStudio string // PUBLISHER/MODEL

	flags                   *pflag.FlagSet
	out, splitMaxSize, part string
	force, resume           bool
	sha256, provenance      bool
}

// Register adds the flags to a command; where says where results go by default.
func (f *Output) Register(cmd *cobra.Command, where string) {
	flags := cmd.Flags()
	f.flags = flags
	flags.StringVarP(&f.out, "output", "o", "", "file to write; {type} stands for the type's name, {name} for the rest of the default (NAME-TYPE.gguf "+where+")")
	flags.StringVar(&f.splitMaxSize, "split-max-size", "", "write a split set of files of at most this size, e.g. 4G or 4GiB")
	flags.StringVar(&f.part, "part", "", "write only file I of a set of N, as I/N, or auto: see docs/scaling.md")
	flags.StringVar(&f.Ollama, "ollama", "", "put the file into Ollama's store, too, as NAME[:TAG]; {type} stands for the type's name")
	flags.StringVar(&f.LMStudio, "lm-studio", "", "put the files where LM Studio looks, too, as PUBLISHER/MODEL")
	Excludes(flags, "dry-run", "mkdir")
	Excludes(flags, "part", "ollama", "lm-studio")
	Excludes(flags, "split-max-size", "ollama")
	Excludes(flags, "refine", "part")
	Excludes(flags, "refine", "split-max-size")
	flags.BoolVar(&f.force, "force", false, "replace existing files, and drop what a stopped run left")
	flags.BoolVar(&f.resume, "resume", false, "go on with what a stopped run left; begin where there is nothing")
	Outputs(flags)
	flags.BoolVar(&f.DryRun, "dry-run", false, "check everything, show what would be written and stop")
	flags.BoolVar(&f.sha256, "sha256", false, "write OUT.gguf.sha256 beside the file, for sha256sum -c")
	flags.BoolVar(&f.provenance, "provenance", false, "write OUT.gguf.mq.json beside the file: hashes, plan, versions and figures")
}

// Fill turns the flags into options.
func (f *Output) Fill(o *pipeline.Options) (err error) {
	o.Out, o.Force, o.Resume, o.PlanOnly = f.out, f.force, f.resume, f.DryRun
	o.Mkdir, _ = f.flags.GetBool("mkdir")
	o.SHA256, o.Provenance = f.sha256, f.provenance
	if f.splitMaxSize != "" {
		if o.MaxFileSize, err = Size("--split-max-size", f.splitMaxSize); err != nil {
			return err
		}
	}
	if f.part == "" {
		return nil
	}
	switch {
	case f.splitMaxSize != "":
		return fault.Invalid("--part and --split-max-size: each decides how the set is divided; give one")
	case o.Size != nil:
		return fault.Invalid("--part: every part needs the same types: choose them once with 'mq plan ... --save-types FILE', then give each part --tensor-type-file FILE")
	}
	o.Part, o.Parts, err = ParsePart(f.part, os.LookupEnv)
	return err
}
