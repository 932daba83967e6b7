package publishing

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hub"
	"github.com/f190792d/mq/publish/oci"
	"github.com/f190792d/mq/publish/ollama"
)

// PushOptions are what the flags say of an upload.
type PushOptions struct {
	Create, Private, PullRequest bool // of repositories of the Hub
	Message                      string
	PlainHTTP                    bool // of registries

	model model
}

// destinations are what an address begins with, and the flags that have an
// effect there. The last is that of every other address.
var destinations = []destination{
	{"ollama://", []string{"plain-http", "template", "system", "license", "num-ctx"}, toOllama, checked(ollama.ParseName)},
	{"oci://", []string{"plain-http", "license"}, toOCI, checked(oci.ParseName)},
	{"", []string{"create", "private", "pull-request", "message"}, toHub, func(name string) error {
		o, err := hub.FromEnv()
		if err == nil {
			_, err = hub.ParseName(name, o.Endpoint)
		}
		return err
	}},
}

type destination struct {
	scheme string
	flags  []string
	push   func(ctx context.Context, s *session.Session, name string, files []string, to PushOptions) error
	check  func(name string) error
}

// checked is a parser of names that keeps the error alone.
func checked[N any](parse func(string) (N, error)) func(string) error {
	return func(name string) error {
		_, err := parse(name)
		return err
	}
}

// pushCommand uploads finished files.
func pushCommand(s *session.Session) *cobra.Command {
	var to PushOptions
	cmd := &cobra.Command{
		Use:   "push hf.co/OWNER/NAME|ollama://NAME|oci://REGISTRY/NAME FILE...",
		Short: "Upload finished files",
		Long: `Uploads files to a model repository of the Hugging Face Hub, in one commit. The
token is that of HF_TOKEN or of the Hub's own login. The first file of a split set
stands for all of them, and GGUF files are opened before anything is sent.

With ollama:// the files become a model of Ollama, as by 'mq ollama create', in the
registry that the name begins with, or Ollama's own; without files the model of that
name in the store is sent. The login is the user's key, .ollama/id_ed25519 in the home.

With oci:// they become an artifact that Docker Model Runner runs, and the login is
that of Docker's own store.

What is there already is not sent again. A push that was stopped goes on where it was
when the same command is run again.`,
		Example: `  mq push hf.co/me/Llama-3-8B-GGUF Llama-3-8B-Q4_K_M.gguf README.md --create
  mq push hf.co/me/Llama-3-8B-GGUF *.gguf --message 'Add smaller types'
  mq push hf.co/other/Llama-3-8B-GGUF Llama-3-8B-IQ2_M.gguf --pull-request
  mq push ollama://me/llama3:8b Llama-3-8B-Q4_K_M.gguf
  mq push ollama://me/llama3:8b
  mq push oci://ghcr.io/me/llama3:8b-q4_k_m Llama-3-8B-Q4_K_M.gguf`,
		Args: flags.Args(1, -1, "a destination and files"),
		RunE: func(cmd *cobra.Command, args []string) error { return push(cmd, s, args[0], args[1:], to) },
	}
	f := cmd.Flags()
	f.BoolVar(&to.Create, "create", false, "make the repository of the Hub if there is none")
	f.BoolVar(&to.Private, "private", false, "make it private")
	f.BoolVar(&to.PullRequest, "pull-request", false, "open a pull request instead of writing to the branch")
	f.StringVarP(&to.Message, "message", "m", "", "summary of the commit (default the names of the files)")
	f.BoolVar(&to.PlainHTTP, "plain-http", false, "speak with the registry without encryption")
	to.model.register(f)
	flags.Needs(f, "create", "private")
	return cmd
}

// push finds out where files go.
func push(cmd *cobra.Command, s *session.Session, destination string, args []string, to PushOptions) error {
	files, err := finished(args)
	if err != nil {
		return err
	}
	d, _ := find(destination)
	for _, other := range destinations {
		for _, flag := range other.flags {
			if cmd.Flags().Changed(flag) && !slices.Contains(d.flags, flag) {
				return fault.Invalid("--%s has no effect on %s", flag, destination)
			}
		}
	}
	return Push(cmd.Context(), s, destination, files, to)
}

// find returns the kind of a destination, and its name there.
func find(address string) (d destination, name string) {
	for _, d = range destinations {
		if name, ok := strings.CutPrefix(address, d.scheme); ok {
			return d, name
		}
	}
	return d, address // the last takes every address
}

// Push uploads files, and of a split set given by its first all.
func Push(ctx context.Context, s *session.Session, address string, args []string, to PushOptions) error {
	files, err := finished(args)
	if err != nil {
		return err
	}
	d, name := find(address)
	return d.push(ctx, s, name, files, to)
}

// CheckDestination reports what is wrong with an address.
func CheckDestination(address string) error {
	d, name := find(address)
	return d.check(name)
}

// Repository returns OWNER/NAME where an address is that of a repository of
// the Hub, else nothing.
func Repository(s *session.Session, address string) string {
	if d, name := find(address); d.scheme == "" {
		if n, ok := hub.Parse(name, s.HubAddress()); ok {
			return n.ID()
		}
	}
	return ""
}

// toOCI sends an artifact to a registry.
func toOCI(ctx context.Context, s *session.Session, destination string, files []string, to PushOptions) error {
	name, err := oci.ParseName(destination)
	if err != nil {
		return err
	}
	a, err := pack(ctx, s, files, to.model.licenses)
	if err != nil {
		return err
	}
	p := oci.Pusher{PlainHTTP: to.PlainHTTP, Agent: "mq/" + s.Version, Waiting: s.Waiting("registry")}
	err = p.Push(ctx, name, a, s.Steps().Show)
	s.Steps().Finish()
	if err != nil {
		return err
	}
	return published(s, where{destination: "registry", name: name.String(), digest: a.Manifest.Digest})
}

// toOllama sends a model to a registry of Ollama: files, or what the store
// holds under the name.
func toOllama(ctx context.Context, s *session.Session, destination string, files []string, to PushOptions) error {
	name, err := ollama.ParseName(destination)
	if err != nil {
		return err
	}
	registry := ollama.NewRegistry(ollama.RegistryOptions{PlainHTTP: to.PlainHTTP, Agent: "mq/" + s.Version, Waiting: s.Waiting("registry")})
	var digest string
	if len(files) == 0 {
		var from ollama.Store
		if from, err = ollama.DefaultStore(); err != nil {
			return err
		}
		digest, err = registry.PushStored(ctx, name, from, s.Steps().Show)
	} else {
		var o ollama.Options
		if o, err = to.model.options(s); err != nil {
			return err
		}
		var m *ollama.Model
		if m, err = describe(ctx, s, files, o); err != nil {
			return err
		}
		digest, err = registry.Push(ctx, name, m, s.Steps().Show)
	}
	s.Steps().Finish()
	if err != nil {
		return err
	}
	return published(s, where{destination: "registry", name: name.String(), digest: digest})
}

// finished returns the files that arguments stand for: of a split set all.
func finished(args []string) ([]string, error) {
	var all []string
	seen := map[string]string{}
	for _, path := range args {
		paths := []string{path}
		if info, err := os.Stat(path); err != nil {
			return nil, err
		} else if !info.Mode().IsRegular() {
			return nil, fault.Invalid("%s is not a regular file: name the files themselves", path)
		}
		if strings.EqualFold(filepath.Ext(path), ".gguf") {
			f, err := gguf.Open(path)
			if err != nil {
				return nil, err
			}
			paths = f.Parts()
			f.Close()
		}
		for _, path := range paths {
			name := filepath.Base(path)
			before, twice := seen[name]
			switch {
			case twice && before != filepath.Clean(path):
				return nil, fault.Invalid("push: %s and %s would have one name: give one of them another", before, path)
			case !twice:
				all, seen[name] = append(all, path), filepath.Clean(path)
			}
		}
	}
	return all, nil
}

// toHub commits files to a repository of the Hub.
func toHub(ctx context.Context, s *session.Session, destination string, files []string, to PushOptions) error {
	if len(files) == 0 {
		return fault.Invalid("push: name the files to upload")
	}
	client, endpoint, err := s.HubWriter()
	if err != nil {
		return err
	}
	name, err := hub.ParseName(destination, endpoint)
	if err != nil {
		return err
	}
	if to.Create {
		if err := client.Create(ctx, name, to.Private); err != nil {
			return err
		}
	}
	commit := hub.Commit{Message: to.Message, PullRequest: to.PullRequest, Progress: s.Steps().Show}
	var names []string
	for _, path := range files {
		base := filepath.Base(path)
		names = append(names, base)
		commit.Files = append(commit.Files, hub.Upload{Path: base, File: path})
	}
	if commit.Message == "" {
		commit.Message = "Upload " + enumerated(names)
	}
	done, err := client.Push(ctx, name, commit)
	s.Steps().Finish()
	if err != nil {
		return err
	}
	for _, ignored := range done.Ignored {
		s.Warn("%s is left out: the repository's own rules ignore it", ignored)
	}
	if done.Commit == "" {
		s.Note("%s holds these files already", name)
	}
	url := done.PullRequest
	if url == "" {
		url = strings.TrimSuffix(endpoint, "/") + "/" + name.ID()
	}
	return published(s, where{destination: "hub", name: name.String(), url: url, commit: done.Commit})
}

// enumerated names the first of some files, and how many there are beside it.
func enumerated(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
