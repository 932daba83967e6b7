package publishing

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/publish/ollama"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/validate/template"
)

// model is the group of flags that say what a file does not say of a model.
type model struct {
	template, system string
	licenses         []string
	context          int
}

func (m *model) register(fs *pflag.FlagSet) {
	fs.StringVar(&m.template, "template", "", "file with a Go template, in place of the one that is derived from the chat template")
	fs.StringVar(&m.system, "system", "", "system message of every conversation")
	fs.StringArrayVar(&m.licenses, "license", nil, "file with the text of a license (repeatable)")
	fs.IntVar(&m.context, "num-ctx", 0, "length of the context in tokens (default that of the server)")
}

// options reads the files that the flags name.
func (m *model) options(s *session.Session) (o ollama.Options, err error) {
	o = options()
	o.System, o.Context = m.system, int64(m.context)
	if m.template != "" {
		if o.Template, err = s.ReadText(m.template); err != nil {
			return o, err
		}
	}
	for _, path := range m.licenses {
		text, err := s.ReadText(path)
		if err != nil {
			return o, err
		}
		o.Licenses = append(o.Licenses, text)
	}
	return o, nil
}

// options are those of every model.
func options() ollama.Options {
	return ollama.Options{Render: template.Render, FileType: fileType}
}

// fileType names the recipe of general.file_type.
func fileType(number uint64) string {
	r, err := quantize.ParseRecipe(strconv.FormatUint(number, 10))
	if err != nil {
		return ""
	}
	return r.Name
}

// ollamaCommand holds what is done with Ollama.
func ollamaCommand(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ollama",
		Short: "Put models into Ollama",
		Args:  cobra.NoArgs, // what is given is a command that does not exist
		RunE: func(cmd *cobra.Command, _ []string) error {
			return fault.Invalid("ollama: say what to do: 'mq ollama create NAME FILE'")
		},
	}
	cmd.AddCommand(createCommand(s))
	return cmd
}

// createCommand makes a model of Ollama.
func createCommand(s *session.Session) *cobra.Command {
	var m model
	var host string
	cmd := &cobra.Command{
		Use:   "create NAME FILE.gguf [PROJECTOR.gguf] [ADAPTER.gguf]",
		Short: "Make a model of Ollama from a GGUF file",
		Long: `Puts a GGUF file into Ollama's store, where the server finds it: the bytes stay as
they are, linked where that is possible and copied otherwise. The store is
OLLAMA_MODELS, or .ollama/models in the home. With --host the file goes through the
API of a running server instead, which may write it anew.

The chat template in the file becomes a template of Ollama if one is found that
renders the same text; where none is, a warning says so. Stop words and recommended
sampling come from the file, tools and thoughts from Ollama's own code for the
families that it has code for.`,
		Example: `  mq ollama create llama3:8b-q4_k_m Llama-3-8B-Q4_K_M.gguf
  mq ollama create gemma3 gemma-3-4b-Q4_K_M.gguf mmproj-gemma-3-4b-F16.gguf --num-ctx 8192
  mq ollama create me/llama3 Llama-3-8B-Q4_K_M.gguf --host 192.0.2.7`,
		Args: flags.Args(2, -1, "NAME and at least one GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := ollama.ParseName(args[0])
			if err != nil {
				return err
			}
			o, err := m.options(s)
			if err != nil {
				return err
			}
			described, err := describe(cmd.Context(), s, args[1:], o)
			if err != nil {
				return err
			}
			if host != "" {
				return serve(cmd.Context(), s, host, name, described)
			}
			path, err := store(cmd.Context(), s, name, described)
			if err == nil {
				s.Wrote(path)
			}
			return err
		},
	}
	m.register(cmd.Flags())
	cmd.Flags().StringVar(&host, "host", "", "address of a running server to go through, HOST or HOST:PORT")
	return cmd
}

// describe reads the files of a model and says what will not work.
func describe(ctx context.Context, s *session.Session, paths []string, o ollama.Options) (*ollama.Model, error) {
	m, err := ollama.Describe(ctx, paths, o)
	if err != nil {
		return nil, err
	}
	for _, w := range m.Warnings {
		s.Warn("%s", w)
	}
	return m, nil
}

// store puts a model into the store of this machine and returns the path of
// its manifest.
func store(ctx context.Context, s *session.Session, name ollama.Name, m *ollama.Model) (string, error) {
	to, err := ollama.DefaultStore()
	if err != nil {
		return "", err
	}
	path, err := to.Create(ctx, name, m, s.Steps().Show)
	s.Steps().Finish()
	if err != nil {
		return "", err
	}
	s.Note("'ollama run %s' runs it", name)
	where{destination: "ollama", name: name.String()}.event(s)
	return path, nil
}

// serve gives a model to a running server.
func serve(ctx context.Context, s *session.Session, host string, name ollama.Name, m *ollama.Model) error {
	server, err := ollama.NewServer(host)
	if err != nil {
		return err
	}
	err = server.Create(ctx, name, m, s.Steps().Show)
	s.Steps().Finish()
	if err != nil {
		return err
	}
	return published(s, where{destination: "ollama", name: name.String()})
}

// modelfileCommand prints a Modelfile.
func modelfileCommand(s *session.Session) *cobra.Command {
	var m model
	cmd := &cobra.Command{
		Use:   "modelfile FILE.gguf [PROJECTOR.gguf] [ADAPTER.gguf]",
		Short: "Print the Modelfile that Ollama makes a model of a GGUF file with",
		Example: `  mq modelfile Llama-3-8B-Q4_K_M.gguf > Modelfile
  ollama create llama3 -f Modelfile`,
		Args: flags.Args(1, -1, "a GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := m.options(s)
			if err != nil {
				return err
			}
			described, err := describe(cmd.Context(), s, args, o)
			if err != nil {
				return err
			}
			text, err := described.Modelfile()
			if err != nil {
				return err
			}
			if s.JSON {
				s.Object(map[string]any{
					"modelfile": text, "template": described.Template, "parameters": described.Params,
					"renderer": described.Config.Renderer, "parser": described.Config.Parser,
				})
				return nil
			}
			s.Printf("%s", text)
			return nil
		},
	}
	m.register(cmd.Flags())
	return cmd
}

// Names are the names in Ollama of the outputs of a run, one for each type;
// {type} stands for the type.
func Names(given string, types []string) ([]ollama.Name, error) {
	if len(types) > 1 && !strings.Contains(given, "{type}") {
		return nil, fault.Invalid("--ollama %s: several types need a name with {type} in it, as in %s:{type}", given, strings.SplitN(given, ":", 2)[0])
	}
	var names []ollama.Name
	for _, t := range types {
		n, err := ollama.ParseName(strings.ReplaceAll(given, "{type}", strings.ToLower(t)))
		if err != nil {
			return nil, err
		}
		names = append(names, n)
	}
	return names, nil
}

// Store puts a finished file into Ollama's store.
func Store(ctx context.Context, s *session.Session, name ollama.Name, path string) error {
	m, err := describe(ctx, s, []string{path}, options())
	if err != nil {
		return err
	}
	_, err = store(ctx, s, name, m)
	return err
}
