package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/exit"
	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/publishing"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/memory"
	"github.com/f190792d/mq/pipeline"
)

// Main runs one command line and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	memory.CollectLater()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	out := &ui.Output{Writer: stdout}
	a := &app{Session: session.Session{Console: ui.Console{Out: out, Err: stderr}, Stdin: stdin, Version: version()}}
	a.Files.Remote = a.NewHub(&a.keepFiles)
	a.command = "mq"
	for _, arg := range args {
		a.command += " " + quoted(arg)
	}
	root := a.root()
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		complete(root)
	}
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	refuseUnknownNames(root) // its commands keep the streams of this moment
	err := execute(ctx, root)
	if err != nil && ctx.Err() != nil {
		err = interrupted(err)
	}
	if err == nil && out.Err() != nil {
		err = fault.IO("standard output: %w", out.Err())
	}
	a.JSON = a.JSON || !a.parsed && slices.Contains(args, "--json")
	return a.report(err)
}

// execute runs a command line; a panic of it is an error.
func execute(ctx context.Context, root *cobra.Command) (err error) {
	defer fault.Rescue(&err)
	return root.ExecuteContext(ctx)
}

// interruption is the error of a run that a signal has ended.
type interruption struct{}

func (interruption) Error() string        { return "interrupted" }
func (interruption) Is(target error) bool { return target == context.Canceled }

// interrupted says in place of err that a signal has ended the run.
func interrupted(err error) error {
	var unfinished *pipeline.Unfinished
	if errors.As(err, &unfinished) {
		return &pipeline.Unfinished{Err: interruption{}}
	}
	return interruption{}
}

// report tells the user about an error, once, and returns the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exit.OK
	}
	code := exit.Code(err)
	if !a.parsed && code == exit.Other {
		code = exit.Usage
	}
	message := fault.Printable(a.Advised(err))
	if crash := new(fault.Panic); errors.As(err, &crash) {
		fmt.Fprintf(a.Err, "%s", crash.Stack)
		message += "; this is a fault of mq: please report it with the lines above, https://github.com/f190792d/mq/issues"
	}
	if !a.parsed { // suggestions stand on lines of their own
		message = err.Error()
	}
	if a.JSON {
		a.Event("error", map[string]any{"message": message, "exit": code})
	}
	a.Fail(message)
	if code == exit.Usage && !a.parsed {
		fmt.Fprintln(a.Err, "mq: see 'mq --help' or 'mq COMMAND --help'")
	}
	return code
}

// complete makes all commands complete their words, for a shell that asks.
func complete(root *cobra.Command) {
	flags.Complete(root)
	for _, cmd := range root.Commands() {
		flags.Complete(cmd)
		for _, sub := range cmd.Commands() {
			flags.Complete(sub)
		}
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "mq",
		Short: "Convert, quantize and check language models",
		Long: `mq turns Hugging Face checkpoints into quantized GGUF files and proves that
the result is right: one pass, no Python, no intermediate file.`,
		Example: `  mq convert ./Llama-3-8B -t q4_k_m
  mq quantize --q4_k model-BF16.gguf
  mq eval --perplexity model-Q4_K_M.gguf -f wiki.test.raw`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.Check(cmd); err != nil {
				return err
			}
			if !slices.Contains(ui.Colors, a.Color) {
				return fault.Invalid("--color %s: it is one of %s", a.Color, strings.Join(ui.Colors, ", "))
			}
			if a.Jobs < 1 {
				return fault.Invalid("-j %d: at least one job is needed", a.Jobs)
			}
			if err := a.readMemory(); err != nil {
				return err
			}
			memory.Limit(a.Budget())
			level := slog.LevelWarn
			if a.verbose {
				level = slog.LevelDebug
			}
			slog.SetDefault(slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: level})))
			a.parsed = true
			return a.readDescription()
		},
	}
	persistent := root.PersistentFlags()
	persistent.BoolVar(&a.JSON, "json", false, "print JSON: one object, or one event a line")
	persistent.BoolVarP(&a.Quiet, "quiet", "q", false, "print no progress and no notes")
	persistent.StringVar(&a.Color, "color", ui.ColorAuto, "colours on the terminal: auto, always or never")
	persistent.BoolVarP(&a.verbose, "verbose", "v", false, "print details of what is done")
	persistent.IntVarP(&a.Jobs, "jobs", "j", runtime.GOMAXPROCS(0), "how many workers run at once")
	persistent.StringVar(&a.MemoryGiven, "max-memory", "", "memory budget, e.g. 512M or 2GiB (default a quarter of RAM)")
	root.SetVersionTemplate("mq {{.Version}}\n" + build())
	root.SetFlagErrorFunc(flags.Explain)
	readers := []*cobra.Command{
		a.convertCommand(), a.planCommand(), a.batchCommand(), a.evalCommand(), a.imatrixCommand(), a.validateCommand(),
		a.inspectCommand(), a.tokenizeCommand(), a.chatTemplateCommand(),
	}
	for _, cmd := range readers {
		a.checkpointFlags(cmd.Flags())
	}
	root.AddCommand(readers...)
	root.AddCommand(
		a.quantizeCommand(), a.diffCommand(), a.splitCommand(), a.mergeCommand(), a.hashCommand(), a.typesCommand(), a.archsCommand(), a.manCommand(), a.exportCommand(),
	)
	root.AddCommand(publishing.Commands(&a.Session)...)
	topics, err := topicCommands()
	if err != nil {
		panic(err) // they are part of the program
	}
	root.AddCommand(topics...)
	return root
}

// readMemory reads --max-memory.
func (a *app) readMemory() (err error) {
	if a.MemoryGiven == "" {
		return nil
	}
	a.MaxMemory, err = flags.Size("--max-memory", a.MemoryGiven)
	return err
}
