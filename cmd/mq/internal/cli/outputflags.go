package cli

import (
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/produce"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// outputFlags are the flags of the commands that make models; convert and
// quantize share them.
type outputFlags struct {
	out, splitMaxSize, part string
	force, resume, dryRun   bool
	sha256, provenance      bool
	noVerify                bool
	partIndex, partCount    int
	splitBytes              int64
}

func (f *outputFlags) register(cmd *cobra.Command, where string) {
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "file to write; {type} stands for the type's name (default NAME-TYPE.gguf "+where+")")
	flags.StringVar(&f.splitMaxSize, "split-max-size", "", "write a split set of files of at most this size, e.g. 4G (powers of 1000)")
	flags.StringVar(&f.part, "part", "", "write only file I of a set of N, as I/N, or auto: see docs/scaling.md")
	flags.BoolVar(&f.force, "force", false, "replace existing files, and drop what a stopped run left")
	flags.BoolVar(&f.resume, "resume", false, "go on with what a stopped run left; begin where there is nothing")
	flags.BoolVar(&f.dryRun, "dry-run", false, "check everything, show what would be written and stop")
	flags.BoolVar(&f.sha256, "sha256", false, "write OUT.gguf.sha256 beside the file, for sha256sum -c")
	flags.BoolVar(&f.provenance, "provenance", false, "write OUT.gguf.mq.json beside the file: hashes, plan, versions and figures")
}

// parse reads the values that are more than text.
func (f *outputFlags) parse() (err error) {
	if f.splitMaxSize != "" {
		if f.splitBytes, err = sizeFlag("--split-max-size", f.splitMaxSize); err != nil {
			return err
		}
	}
	if f.part == "" {
		return nil
	}
	if f.splitMaxSize != "" {
		return fault.Usage("--part and --split-max-size: each decides how the set is divided; give one")
	}
	f.partIndex, f.partCount, err = parsePart(f.part, os.LookupEnv)
	return err
}

// target makes the target of a plan.
func (f *outputFlags) target(path string, plan *quantize.Plan) (produce.Target, error) {
	switch {
	case f.partCount > 0:
		if err := plan.SplitEvenly(f.partCount); err != nil {
			return produce.Target{}, err
		}
		return produce.Target{Path: path, Plan: plan.Part(f.partIndex), Part: f.partIndex, Parts: f.partCount}, nil
	case f.splitBytes > 0:
		if err := plan.Split(gguf.SplitOptions{MaxSize: f.splitBytes}); err != nil {
			return produce.Target{}, err
		}
	}
	return produce.Target{Path: path, Plan: plan}, nil
}

// partIndexes are the variables in which schedulers tell a task its number,
// and those of the first number and the step between numbers.
var partIndexes = []struct{ index, first, step, count string }{
	{index: "JOB_COMPLETION_INDEX", count: "JOB_COMPLETIONS"},
	{index: "SLURM_ARRAY_TASK_ID", first: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP", count: "SLURM_ARRAY_TASK_COUNT"},
}

// parsePart reads "3/8", counted from 1, or "auto" or "auto/8", which take the
// number of the task, and its count, from the environment of the scheduler.
// The index that it returns counts from 0.
func parsePart(text string, env func(string) (string, bool)) (index, count int, err error) {
	number, of, given := strings.Cut(text, "/")
	if number != "auto" {
		i, err1 := strconv.Atoi(number)
		n, err2 := strconv.Atoi(of)
		if err1 != nil || err2 != nil || i < 1 || i > n {
			return 0, 0, fault.Usage("--part %s: give I/N with I from 1 to N, or auto", text)
		}
		return i - 1, n, nil
	}
	read := func(name string, otherwise int) (int, error) {
		value, ok := env(name)
		if !ok || value == "" {
			return otherwise, nil
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return 0, fault.Usage("--part %s: $%s is %q, not a number", text, name, value)
		}
		return n, nil
	}
	for _, v := range partIndexes {
		if value, ok := env(v.index); !ok || value == "" {
			continue
		}
		var values [4]int
		for i, name := range []string{v.index, v.first, v.step, v.count} {
			if values[i], err = read(name, []int{0, 0, 1, 0}[i]); err != nil {
				return 0, 0, err
			}
		}
		if given {
			if values[3], err = strconv.Atoi(of); err != nil {
				return 0, 0, fault.Usage("--part %s: %q is not a number of parts", text, of)
			}
		}
		index, count = (values[0]-values[1])/max(values[2], 1), values[3]
		switch {
		case count == 0:
			return 0, 0, fault.Usage("--part %s: $%s does not say how many parts there are: give --part auto/N, or set $%s", text, v.count, v.count)
		case index < 0 || index >= count:
			return 0, 0, fault.Usage("--part %s: $%s is %d, which is none of %d parts", text, v.index, values[0], count)
		}
		return index, count, nil
	}
	return 0, 0, fault.Usage("--part %s: neither $JOB_COMPLETION_INDEX nor $SLURM_ARRAY_TASK_ID is set", text)
}
