package flags

import (
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// partIndexes are the variables in which schedulers tell a task its number,
// and those of the first number and the step between numbers.
var partIndexes = []struct{ index, first, step, count string }{
	{index: "JOB_COMPLETION_INDEX", count: "JOB_COMPLETIONS"},
	{index: "SLURM_ARRAY_TASK_ID", first: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP", count: "SLURM_ARRAY_TASK_COUNT"},
}

// ParsePart reads "3/8", counted from 1, or "auto" or "auto/8", which take the
// number of the task, and its count, from the environment of the scheduler.
// The index that it returns counts from 0.
func ParsePart(text string, env func(string) (string, bool)) (index, count int, err error) {
	number, of, given := strings.Cut(text, "/")
	if number != "auto" {
		i, err1 := strconv.Atoi(number)
		n, err2 := strconv.Atoi(of)
		if err1 != nil || err2 != nil || i < 1 || i > n {
			return 0, 0, fault.Invalid("--part %s: give I/N with I from 1 to N, or auto", text)
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
			return 0, fault.Invalid("--part %s: $%s is %q, not a number", text, name, value)
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
				return 0, 0, fault.Invalid("--part %s: %q is not a number of parts", text, of)
			}
		}
		index, count = (values[0]-values[1])/max(values[2], 1), values[3]
		switch {
		case count == 0:
			return 0, 0, fault.Invalid("--part %s: $%s does not say how many parts there are: give --part auto/N, or set $%s", text, v.count, v.count)
		case index < 0 || index >= count:
			return 0, 0, fault.Invalid("--part %s: $%s is %d, which is none of %d parts", text, v.index, values[0], count)
		}
		return index, count, nil
	}
	return 0, 0, fault.Invalid("--part %s: neither $JOB_COMPLETION_INDEX nor $SLURM_ARRAY_TASK_ID is set", text)
}
