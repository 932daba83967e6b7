package cli

import (
	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/batch"
	"github.com/f190792d/mq/cmd/mq/internal/flags"
)

// batchCommand runs the jobs of a file.
func (a *app) batchCommand() *cobra.Command {
	var o struct {
		state, junit, report string
		force, failFast      bool
	}
	cmd := &cobra.Command{
		Use:   "batch JOBS.yaml",
		Short: "Convert many models to many types, with checks and a report",
		Long: `Runs a matrix of models, types and checks. Each model is read once for all its
types. What is finished is remembered in a state file, so that the same command
goes on after a stop and does only what is left. A failure does not keep the
other jobs from running; the exit code is the highest of all.`,
		Example: `  mq batch jobs.yaml
  mq batch jobs.yaml --junit report.xml --report report.json`,
		Args: flags.Args(1, 1, "one file of jobs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := batch.Read(args[0])
			if err != nil {
				return err
			}
			if o.state == "" {
				o.state = args[0] + ".state"
			}
			state, err := batch.ReadState(o.state)
			if err != nil {
				return err
			}
			mkdir, err := cmd.Flags().GetBool("mkdir")
			if err != nil {
				return err
			}
			run := &batch.Run{Session: &a.Session, File: file, State: state, Force: o.force, Mkdir: mkdir}
			if err := run.All(cmd.Context(), o.failFast); err != nil {
				return err
			}
			return batch.Report(&a.Console, run.Results, o.junit, o.report)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.state, "state", "", "file that remembers what is finished (default JOBS.yaml.state)")
	fs.StringVar(&o.junit, "junit", "", "write a report in JUnit's XML")
	fs.StringVar(&o.report, "report", "", "write a report as JSON")
	fs.BoolVar(&o.force, "force", false, "do everything again and replace existing files")
	fs.BoolVar(&o.failFast, "fail-fast", false, "stop at the first model that fails")
	flags.Outputs(fs, "state", "junit", "report")
	return cmd
}
