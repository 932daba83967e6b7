package cli

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/publishing"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/publish/ollama"
)

// convertCommand makes GGUF files from a checkpoint folder.
func (a *app) convertCommand() *cobra.Command {
	var recipe flags.Recipe
	var output flags.Output
	var o pipeline.Options
	var noVerify bool
	var adapters []string
	var base string
	cmd := &cobra.Command{
		Use:   "convert DIR [-t TYPE[,TYPE...]]",
		Short: "Convert a checkpoint folder to GGUF, quantized in the same pass",
		Long: `Converts a Hugging Face checkpoint, a folder or OWNER/NAME on the Hub, to GGUF, in the source's own precision
(the type auto) or quantized, in one pass and without an intermediate file. It ends
by comparing the file with the checkpoint, part by part and on a prompt.

A checkpoint may be quantized already (GPTQ, AWQ, MLX, bitsandbytes,
compressed-tensors, ModelOpt and others). The type auto keeps its codes wherever a type
holds every weight exactly, and what is left in 16 bits, or with --lossless in F32.

A file gets its name when it is whole, checked and on disk. A run that is stopped
goes on with --resume.`,
		Example: `  mq convert ./Llama-3-8B
  mq convert ./Llama-3-8B -t q4_k_m
  mq convert meta-llama/Llama-3.2-1B -t q4_k_m
  mq convert ./Llama-3-8B -t q4_k_m,q8_0 -o 'llama-{type}.gguf'
  mq convert ./Llama-3-8B -t iq2_xs --imatrix-from calibration.txt
  mq convert ./Llama-3-8B --target-size 4.5G
  mq convert ./Llama-3-8B -t q4_k_m --ollama llama3:8b
  mq convert ./Llama-3-8B --lora ./adapter --lora ./other:0.5 -t q4_k_m
  mq convert ./adapter --base ./Llama-3-8B`,
		Args: flags.Args(1, 1, "one checkpoint folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if folder, err := a.Files.IsFolder(args[0]); err != nil || !folder {
				return notACheckpoint(args[0], err)
			}
			o.Verify = !noVerify
			if base != "" {
				if err := output.Fill(&o); err != nil {
					return err
				}
				return a.convertAdapter(cmd.Context(), args[0], base, o)
			}
			var err error
			if o.Adapters, err = openAdapters(cmd.Context(), adapters); err != nil {
				return err
			}
			defer closeAdapters(o.Adapters)
			return a.make(cmd.Context(), args[0], &o, &recipe, &output)
		},
	}
	recipe.Register(cmd)
	output.Register(cmd, "in this folder")
	registerPre(cmd.Flags(), &o.Pre)
	cmd.Flags().StringVar(&o.Name, "model-name", "", "general.name of the file (default from the model card or the folder)")
	registerLossless(cmd.Flags(), &o.Lossless)
	registerAdapters(cmd.Flags(), &adapters)
	cmd.Flags().StringVar(&base, "base", "", "the checkpoint folder that DIR, an adapter, was trained on: writes a GGUF file of the adapter alone")
	cmd.Flags().BoolVar(&noVerify, "no-verify", false, "do not compare the file with the source at the end")
	flags.Alone(cmd.Flags(), "base", "output", "force", "mkdir", "dry-run")
	return cmd
}

func registerLossless(f *pflag.FlagSet, lossless *bool) {
	f.BoolVar(lossless, "lossless", false, "write every weight of a quantized checkpoint exactly: its own codes, else F32")
}

// notACheckpoint says what to do with a path that is no folder.
func notACheckpoint(path string, err error) error {
	name := strings.ToLower(path)
	switch {
	case strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://"):
		return fault.Invalid("convert: %s is not the page of a model of the Hub", path)
	case err != nil:
		return err
	case strings.HasSuffix(name, ".gguf"):
		return fault.Invalid("convert: %s is a GGUF file; 'mq quantize %s -t TYPE' changes its types", path, path)
	case strings.HasSuffix(name, ".safetensors"), strings.HasSuffix(name, ".bin"), strings.HasSuffix(name, ".json"):
		return fault.Invalid("convert: %s is one file of a checkpoint; give the folder that it is in: 'mq convert %s'", path, filepath.Dir(path))
	}
	return fault.Invalid("convert: %s is not a folder", path)
}

// make turns flags into options, plans and runs.
func (a *app) make(ctx context.Context, path string, o *pipeline.Options, recipe *flags.Recipe, output *flags.Output) error {
	if err := recipe.Fill(ctx, o, a.ReadText); err != nil {
		return err
	}
	if err := output.Fill(o); err != nil {
		return err
	}
	job, input, err := a.Open(ctx, path, *o)
	if err != nil {
		return err
	}
	defer input.Close()
	names, err := ollamaNames(job, output.Ollama)
	if err != nil {
		return err
	}
	folder := ""
	if output.LMStudio != "" {
		if folder, err = publishing.LMStudioFolder(output.LMStudio); err != nil {
			return err
		}
	}
	a.announce(job, recipe)
	if output.DryRun {
		return a.DryRun(job)
	}
	if _, err := a.Run(ctx, job); err != nil {
		return err
	}
	for i, name := range names {
		if err := publishing.Store(ctx, &a.Session, name, job.Outputs[i].Paths[0]); err != nil {
			return err
		}
	}
	for _, out := range job.Outputs {
		if folder != "" {
			if err := publishing.LMStudio(ctx, &a.Session, folder, out.Paths); err != nil {
				return err
			}
		}
		for _, path := range out.Paths {
			a.Wrote(path)
		}
	}
	a.Commands(next(job.Outputs[0], len(names) > 0)...)
	return nil
}

// next are commands that one may want to give when an output is there.
func next(out pipeline.Output, stored bool) []string {
	if out.Parts > 0 {
		return nil // it is not whole
	}
	path := quoted(out.Paths[0])
	lines := []string{"mq eval --generate 'Once upon a time' " + path, "llama-cli -m " + path}
	if name := strings.ToLower(pipeline.Stem(path)); !stored && len(out.Paths) == 1 {
		if _, err := ollama.ParseName(name); err != nil {
			name = "NAME"
		}
		lines = append(lines, "mq ollama create "+name+" "+path)
	}
	return lines
}

// quoted writes a path as a shell reads it.
func quoted(path string) string {
	if strings.ContainsAny(path, " '\"$&;|<>()*?[]\\`!#~") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// ollamaNames are the names in Ollama of a job's outputs, none where none is
// asked for.
func ollamaNames(job *pipeline.Job, given string) ([]ollama.Name, error) {
	if given == "" {
		return nil, nil
	}
	var types []string
	for _, out := range job.Outputs {
		if len(out.Paths) > 1 {
			return nil, fault.Invalid("--ollama: Ollama reads models of one file, and %s would be %d", out.Path, len(out.Paths))
		}
		types = append(types, out.Plan.Recipe.Name)
	}
	return publishing.Names(given, types)
}

// announce prints what planning has found out.
func (a *app) announce(job *pipeline.Job, recipe *flags.Recipe) {
	a.PrintChosen(job)
	if path := recipe.SavedTypes(); path != "" {
		a.Note("the types are in %s: -t %s --tensor-type-file %s gives them again", path, strings.ToLower(job.Chosen.Recipe.Default.String()), path)
	}
	for _, w := range append(job.Warnings, recipe.Unused(job.Tensors())...) {
		a.Warn("%s", w)
	}
}
