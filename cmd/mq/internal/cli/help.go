package cli

import (
	"bufio"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/docs"
	"github.com/f190792d/mq/formats/fault"
)

// topicCommands are the pages of the manual, which a binary's user lacks:
// 'mq help scaling'. A page is read when it is asked for.
func topicCommands() ([]*cobra.Command, error) {
	names, err := fs.Glob(docs.Pages, "*.md")
	if err != nil {
		return nil, err
	}
	var topics []*cobra.Command
	for _, name := range names {
		if strings.HasPrefix(name, "adding-") {
			continue // for those who have the sources
		}
		title, err := pageTitle(name)
		if err != nil {
			return nil, err
		}
		topic := &cobra.Command{Use: strings.TrimSuffix(name, ".md"), Short: title}
		topic.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
			text, err := docs.Pages.ReadFile(name)
			if err != nil {
				panic(err) // it is part of the program
			}
			fmt.Fprint(cmd.OutOrStdout(), string(text))
		})
		topics = append(topics, topic)
	}
	return topics, nil
}

// pageTitle is the first line of a page.
func pageTitle(name string) (string, error) {
	page, err := docs.Pages.Open(name)
	if err != nil {
		return "", err
	}
	defer page.Close()
	line, err := bufio.NewReaderSize(page, 128).ReadString('\n')
	return strings.TrimSpace(strings.TrimPrefix(line, "# ")), err
}

// refuseUnknownNames makes the commands that cobra adds fail where they would
// print a help text in place of what was asked for.
func refuseUnknownNames(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if found, _, err := root.Find(args); err != nil || found == root && len(args) > 0 {
					return fault.Invalid("help: there is no command %s", strings.Join(args, " "))
				}
				return nil
			}
		case "completion":
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return fault.Invalid("completion: the shell %q is none of bash, fish, powershell, zsh", args[0])
				}
				return cmd.Help()
			}
		}
	}
}

// manCommand writes manual pages.
func (a *app) manCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "man DIR",
		Short:   "Write a manual page for every command into a folder",
		Example: `  mq man ~/.local/share/man/man1`,
		Args:    flags.Args(1, 1, "one folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.MakeFolder(cmd, args[0]); err != nil {
				return err
			}
			if folder, err := session.IsFolder(args[0]); err != nil {
				return err
			} else if !folder {
				return fault.Invalid("man: %s is not a folder", args[0])
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same program writes the same pages
			header := &doc.GenManHeader{Section: "1", Source: "mq " + version(), Manual: "mq"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fault.IO("man: %w", err)
			}
			return nil
		},
	}
	flags.Outputs(cmd.Flags())
	return cmd
}
