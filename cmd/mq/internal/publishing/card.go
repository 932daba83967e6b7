package publishing

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/hub"
	"github.com/f190792d/mq/publish/card"
)

// cardCommand writes the page of a repository.
func cardCommand(s *session.Session) *cobra.Command {
	var o card.Options
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "card FILE.gguf...",
		Short: "Write the model card of GGUF files, README.md",
		Long: `Writes README.md for a repository of GGUF files: front matter that the Hub reads, a
table of the files with type, size and bits per weight, and the commands that run
them. Divergence from the source and agreement on the top token come from reports in
the files' folders: JSON of 'mq validate', 'mq eval' and 'mq batch', and the
OUT.gguf.mq.json of --provenance. A report on a file of another size is not used.`,
		Example: `  mq card Llama-3-8B-*.gguf --repo me/Llama-3-8B-GGUF --base-model meta-llama/Meta-Llama-3-8B
  mq card Llama-3-8B-Q4_K_M.gguf -o - | less`,
		Args: flags.Args(1, -1, "at least one GGUF file"),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, id := range []*string{&o.Repo, &o.BaseModel} {
				if err := bareID(s, id); err != nil {
					return err
				}
			}
			files, err := finished(args)
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join(filepath.Dir(files[0]), "README.md")
			}
			return WriteCard(s, files, o, out, force)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "", "file to write, - for standard output (default README.md beside the first file)")
	f.StringVar(&o.Repo, "repo", "", "OWNER/NAME where the files will lie: the commands name it")
	f.StringVar(&o.BaseModel, "base-model", "", "OWNER/NAME of the model that the files were made from")
	f.StringVar(&o.QuantizedBy, "quantized-by", "", "who made them (default the owner of --repo)")
	f.StringVar(&o.License, "license-id", "", "license in the Hub's spelling (default what the file says)")
	f.BoolVar(&force, "force", false, "replace the file")
	flags.Outputs(f, "output")
	return cmd
}

// bareID takes OWNER/NAME out of what names a repository.
func bareID(s *session.Session, id *string) error {
	if *id == "" {
		return nil
	}
	name, err := hub.ParseName(*id, s.HubAddress())
	*id = name.ID()
	return err
}

// WriteCard writes the page of files.
func WriteCard(s *session.Session, files []string, o card.Options, out string, force bool) error {
	o.FileType = fileType
	c, err := card.Describe(files, o)
	if err != nil {
		return err
	}
	for _, w := range c.Warnings {
		s.Warn("%s", w)
	}
	text, err := c.Markdown()
	if err != nil {
		return err
	}
	if out == "-" {
		s.Printf("%s", text)
		return nil
	}
	if err := atomicfile.WriteFile(out, []byte(text), atomicfile.Options{Force: force, Inputs: files}); err != nil {
		return err
	}
	s.Wrote(out)
	return nil
}
