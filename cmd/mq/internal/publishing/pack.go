package publishing

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/publish/oci"
)

// packCommand makes an artifact on the disk.
func packCommand(s *session.Session) *cobra.Command {
	var dir, tag string
	var licenses []string
	cmd := &cobra.Command{
		Use:   "pack --oci DIR FILE.gguf... [PROJECTOR.gguf]",
		Short: "Make an OCI artifact of a GGUF file",
		Long: `Puts a model into a folder in OCI's layout, as the artifact that 'mq push oci://...'
sends and Docker Model Runner runs. Tools for registries read the folder: skopeo, oras,
crane. What it holds already stays; files are linked where that is possible.`,
		Example: `  mq pack --oci ./llama3 Llama-3-8B-Q4_K_M.gguf --tag 8b-q4_k_m
  skopeo copy oci:./llama3:8b-q4_k_m docker://registry.example/me/llama3:8b-q4_k_m`,
		Args: flags.Args(1, -1, "a GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return fault.Invalid("pack: name the folder to write: --oci DIR")
			}
			if _, err := oci.ParseName("localhost/x:" + tag); err != nil {
				return fault.Invalid("--tag %s: it is not a tag", tag)
			}
			files, err := finished(args)
			if err != nil {
				return err
			}
			a, err := pack(cmd.Context(), s, files, licenses)
			if err != nil {
				return err
			}
			err = a.Layout(cmd.Context(), dir, tag, s.Steps().Show)
			s.Steps().Finish()
			if err != nil {
				return err
			}
			where{destination: "oci", name: tag, digest: a.Manifest.Digest}.event(s)
			s.Wrote(dir)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "oci", "", "folder to write, in OCI's layout")
	flags.Outputs(f, "oci")
	f.StringVar(&tag, "tag", oci.DefaultTag, "tag of the artifact in it")
	f.StringArrayVar(&licenses, "license", nil, "file with the text of a license (repeatable)")
	return cmd
}

// pack reads the files of an artifact.
func pack(ctx context.Context, s *session.Session, files, licenses []string) (*oci.Artifact, error) {
	o := oci.Options{FileType: fileType}
	for _, path := range licenses {
		text, err := s.ReadText(path)
		if err != nil {
			return nil, err
		}
		o.Licenses = append(o.Licenses, text)
	}
	defer s.Steps().Finish()
	return oci.Pack(ctx, files, o, s.Steps().Show)
}
