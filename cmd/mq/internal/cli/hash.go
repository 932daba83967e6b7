package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/formats/gguf"
)

// hashCommand prints or checks the hashes of a file's tensors.
func (a *app) hashCommand() *cobra.Command {
	var kinds []string
	var whole bool
	var manifest string
	cmd := &cobra.Command{
		Use:   "hash FILE.gguf",
		Short: "Print or check the hashes of a file's tensors, in the form of gguf-hash",
		Example: `  mq hash --sha256 model.gguf > model.manifest
  mq hash --check model.manifest model.gguf`,
		Args: flags.Args(1, 1, "one GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := gguf.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			var list []gguf.HashKind
			for _, kind := range kinds {
				list = append(list, gguf.HashKind(strings.ToLower(kind)))
			}
			if manifest != "" {
				return a.checkManifest(cmd, file, args[0], manifest, list)
			}
			if len(list) == 0 {
				list = []gguf.HashKind{gguf.XXH64}
			}
			return gguf.Hash(cmd.Context(), file, args[0], list, whole, func(d gguf.Digest) {
				if a.JSON {
					a.Event("hash", map[string]any{"kind": d.Kind, "value": d.Value, "name": d.Name})
					return
				}
				a.Printf("%s\n", d)
			})
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&kinds, "kind", nil, "xxh64 (default), sha1, sha256, uuid; several divided by commas")
	fs.BoolVar(&whole, "no-layer", false, "leave out the hashes of single tensors")
	fs.StringVarP(&manifest, "check", "c", "", "manifest to check the file against; exit 3 on a difference")
	for _, kind := range []gguf.HashKind{gguf.XXH64, gguf.SHA1, gguf.SHA256, gguf.UUID} {
		fs.BoolFunc(string(kind), "the same as --kind "+string(kind), func(string) error {
			kinds = append(kinds, string(kind))
			return nil
		})
	}
	fs.BoolFunc("all", "all kinds but uuid, as gguf-hash", func(string) error {
		kinds = append(kinds, string(gguf.XXH64), string(gguf.SHA1), string(gguf.SHA256))
		return nil
	})
	flags.Excludes(fs, "check", "no-layer")
	return cmd
}

func (a *app) checkManifest(cmd *cobra.Command, file *gguf.File, name, manifest string, kinds []gguf.HashKind) error {
	r, err := os.Open(manifest)
	if err != nil {
		return err
	}
	defer r.Close()
	digests, err := gguf.ReadManifest(r, manifest)
	if err != nil {
		return err
	}
	if len(kinds) == 0 {
		kinds = []gguf.HashKind{gguf.Strongest(digests)}
	}
	return gguf.Verify(cmd.Context(), file, name, digests, kinds, func(d gguf.Digest, s gguf.Status) {
		if a.JSON {
			a.Event("hash", map[string]any{"kind": d.Kind, "value": d.Value, "name": d.Name, "status": fmt.Sprint(s)})
			return
		}
		a.Printf("%s  %s\n", d, s)
	})
}
