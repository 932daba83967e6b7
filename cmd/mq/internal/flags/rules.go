package flags

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/formats/fault"
)

// The annotations in which a flag carries rules, beside those of every flag: a
// value is not empty, a number is not negative, and one that stands for "not
// given" where it is 0 is not given as 0.
const (
	annotationNeeds    = "mq_needs"    // one of these flags must be given too
	annotationExcludes = "mq_excludes" // none of these flags may be given too
	annotationRange    = "mq_range"    // least and greatest value
	annotationEmpty    = "mq_empty"    // the value may be empty, or 0
	annotationFolder   = "mq_folder"   // the value is a file, or a folder, that --mkdir makes room for
)

// Needs says that flags have an effect only together with one of others, whose
// names are divided by commas.
func Needs(fs *pflag.FlagSet, others string, names ...string) {
	annotate(fs, annotationNeeds, strings.Split(others, ","), names)
}

// Excludes says that flags have no effect together with any of others.
func Excludes(fs *pflag.FlagSet, others string, names ...string) {
	annotate(fs, annotationExcludes, strings.Split(others, ","), names)
}

// Range bounds the value of a flag that is a number.
func Range(fs *pflag.FlagSet, name string, least, greatest float64) {
	annotate(fs, annotationRange, []string{strconv.FormatFloat(least, 'g', -1, 64), strconv.FormatFloat(greatest, 'g', -1, 64)}, []string{name})
	MayBeEmpty(fs, name)
}

// Alone says that a flag leaves no effect to others but some.
func Alone(fs *pflag.FlagSet, name string, but ...string) {
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Name != name && !slices.Contains(but, f.Name) {
			Excludes(fs, name, f.Name)
		}
	})
}

// MayBeEmpty says that flags may be given as empty, or as 0.
func MayBeEmpty(fs *pflag.FlagSet, names ...string) { annotate(fs, annotationEmpty, nil, names) }

func annotate(fs *pflag.FlagSet, key string, values, names []string) {
	for _, name := range names {
		f := fs.Lookup(name)
		if f == nil {
			panic("no flag --" + name) // it is registered by the same function
		}
		if f.Annotations == nil {
			f.Annotations = map[string][]string{}
		}
		f.Annotations[key] = append(f.Annotations[key], values...)
	}
}

// Outputs adds the flag --mkdir, which makes the folders of files that flags
// name.
func Outputs(fs *pflag.FlagSet, names ...string) {
	if fs.Lookup("mkdir") == nil {
		fs.Bool("mkdir", false, "make the folders of outputs that do not exist")
	}
	annotate(fs, annotationFolder, nil, names)
}

// MakeFolder makes the folder of an output that an argument names, where
// --mkdir asks for it.
func MakeFolder(cmd *cobra.Command, dir string) error {
	if mkdir, err := cmd.Flags().GetBool("mkdir"); err != nil || !mkdir {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fault.Invalid("--mkdir: %w", err)
	}
	return nil
}

// makeFolders makes the folders of the files that flags name.
func makeFolders(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if _, ok := f.Annotations[annotationFolder]; ok && err == nil {
			err = os.MkdirAll(filepath.Dir(f.Value.String()), 0o777)
		}
	})
	if err != nil {
		return fault.Invalid("--mkdir: %w", err)
	}
	return nil
}

// Check holds the flags that were given to their rules.
func Check(cmd *cobra.Command) (err error) {
	given := func(name string) bool {
		f := cmd.Flags().Lookup(name)
		return f != nil && f.Changed
	}
	dashed := func(names []string) string { return "--" + strings.Join(names, " or --") }
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err != nil {
			return
		}
		if err = checkValue(f); err != nil {
			return
		}
		if others := f.Annotations[annotationNeeds]; others != nil && !slices.ContainsFunc(others, given) {
			err = fault.Invalid("--%s has no effect without %s", f.Name, dashed(others))
		}
		for _, other := range f.Annotations[annotationExcludes] {
			if err == nil && given(other) {
				err = fault.Invalid("--%s has no effect together with --%s: leave one of them out", f.Name, other)
			}
		}
	})
	if err == nil && given("mkdir") {
		err = makeFolders(cmd)
	}
	return err
}

// checkValue holds one value to the rules on values.
func checkValue(f *pflag.Flag) error {
	_, free := f.Annotations[annotationEmpty]
	if list, ok := f.Value.(pflag.SliceValue); ok {
		if items := list.GetSlice(); !free && (len(items) == 0 || slices.ContainsFunc(items, func(s string) bool { return strings.TrimSpace(s) == "" })) {
			return fault.Invalid("--%s: a value is missing", f.Name)
		}
		return nil
	}
	text := f.Value.String()
	switch f.Value.Type() {
	case "string":
		if strings.TrimSpace(text) == "" && !free {
			return fault.Invalid("--%s: a value is missing", f.Name)
		}
	case "int", "int64", "uint64", "float64":
		n, err := strconv.ParseFloat(text, 64)
		if limits := f.Annotations[annotationRange]; limits != nil {
			least, _ := strconv.ParseFloat(limits[0], 64)
			greatest, _ := strconv.ParseFloat(limits[1], 64)
			switch {
			case err == nil && n >= least && n <= greatest:
			case math.IsInf(greatest, 1):
				return fault.Invalid("--%s %s: want a number of %s or more", f.Name, text, limits[0])
			default:
				return fault.Invalid("--%s %s: want a number from %s to %s", f.Name, text, limits[0], limits[1])
			}
			return nil
		}
		if err != nil || !(n >= 0) {
			return fault.Invalid("--%s %s: want 0 or more", f.Name, text)
		}
		if n == 0 && f.DefValue == "0" && !free {
			return fault.Invalid("--%s 0: want a number above zero; leave it out for the default", f.Name)
		}
	}
	return nil
}
