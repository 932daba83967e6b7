package publishing

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hub"
)

// pushed is the group of flags of what goes to a repository of the Hub.
type pushed struct {
	create, private, pullRequest bool
	message                      string
}

// pushCommand uploads finished files.
func pushCommand(s *session.Session) *cobra.Command {
	var to pushed
	cmd := &cobra.Command{
		Use:   "push hf.co/OWNER/NAME FILE...",
		Short: "Upload finished files",
		Long: `Uploads files to a model repository of the Hugging Face Hub, in one commit. The
token is that of HF_TOKEN or of the Hub's own login. The first file of a split set
stands for all of them, and GGUF files are opened before anything is sent.

Files that the repository has are not sent again. A push that was stopped goes on
where it was when the same command is run again.`,
		Example: `  mq push hf.co/me/Llama-3-8B-GGUF Llama-3-8B-Q4_K_M.gguf README.md --create
  mq push hf.co/me/Llama-3-8B-GGUF *.gguf --message 'Add smaller types'
  mq push hf.co/other/Llama-3-8B-GGUF Llama-3-8B-IQ2_M.gguf --pull-request`,
		Args: atLeast(2, "a destination and at least one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := finished(args[1:])
			if err != nil {
				return err
			}
			return toHub(cmd.Context(), s, args[0], files, to)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&to.create, "create", false, "make the repository if there is none")
	f.BoolVar(&to.private, "private", false, "make it private")
	f.BoolVar(&to.pullRequest, "pull-request", false, "open a pull request instead of writing to the branch")
	f.StringVarP(&to.message, "message", "m", "", "summary of the commit (default the names of the files)")
	flags.Needs(f, "create", "private")
	return cmd
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
			return nil, fault.Invalid("push: %s is not a regular file: name the files to upload", path)
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
func toHub(ctx context.Context, s *session.Session, destination string, files []string, to pushed) error {
	client, endpoint, err := s.HubWriter()
	if err != nil {
		return err
	}
	name, err := hub.ParseName(destination, endpoint)
	if err != nil {
		return err
	}
	if to.create {
		if err := client.Create(ctx, name, to.private); err != nil {
			return err
		}
	}
	commit := hub.Commit{Message: to.message, PullRequest: to.pullRequest, Progress: s.Steps().Show}
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
	published(s, where{destination: "hub", name: name.String(), url: url, commit: done.Commit})
	return nil
}

// enumerated names the first of some files, and how many there are beside it.
func enumerated(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
