package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var (
	called = regexp.MustCompile(`(?m)(?:^|[ (])mq (convert|validate|card|push) ([^\n]*)`)
	option = regexp.MustCompile(`--([a-z][a-z0-9-]*)`)
)

// TestExamplesForCICallWhatThereIs: the action and the templates are YAML, and
// every command and option in them is one of mq's.
func TestExamplesForCICallWhatThereIs(t *testing.T) {
	for path, least := range map[string]int{
		"action.yml": 2, "docs/examples/github-workflow.yml": 2, "docs/examples/gitlab-ci.yml": 2,
		".goreleaser.yaml": 0, ".github/workflows/ci.yml": 0, ".github/workflows/release.yml": 0,
	} {
		text, err := os.ReadFile("../../../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := yaml.Unmarshal(text, &doc); err != nil || len(doc) == 0 {
			t.Errorf("%s: %v", path, err)
		}
		calls := called.FindAllStringSubmatch(string(text), -1)
		if len(calls) < least {
			t.Errorf("%s: %d calls of mq", path, len(calls))
		}
		for _, call := range calls {
			cmd, _, err := (&app{}).root().Find([]string{call[1]})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range option.FindAllStringSubmatch(call[2], -1) {
				if cmd.Flags().Lookup(o[1]) == nil {
					t.Errorf("%s: mq %s has no --%s", path, call[1], o[1])
				}
			}
		}
	}
}

type step struct {
	ID, Run string
	Env     map[string]string
}

type action struct {
	Inputs map[string]any
	Runs   struct {
		Steps []step
	}
}

func readAction(t *testing.T) (a action) {
	t.Helper()
	text, err := os.ReadFile("../../../../action.yml")
	if err == nil {
		err = yaml.Unmarshal(text, &a)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestActionHandsOverWhatItIsGiven runs the script of the action: an input is
// one argument whatever is in it, the model never a flag, and the further
// flags may stand on lines.
func TestActionHandsOverWhatItIsGiven(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("no bash")
	}
	steps := readAction(t).Runs.Steps
	script := steps[slices.IndexFunc(steps, func(s step) bool { return s.ID == "run" })].Run
	run := func(output, kld string) (calls, outputs string, err error) {
		dir := t.TempDir()
		// It stands in for mq and notes its arguments.
		if err := os.WriteFile(filepath.Join(dir, "mq"), []byte("#!/bin/sh\n{ printf '<%s>' \"$@\"; echo; } >>calls\n[ \"$1\" = convert ] || exit 4\n"), 0o777); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		cmd := exec.Command(bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "RUNNER_TEMP="+dir,
			"GITHUB_OUTPUT="+filepath.Join(dir, "outputs"), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"),
			"MODEL=--force $(touch out) `touch out`; \"'", "TYPE=q4_k_m", "OUTPUT="+output, "MAX_KLD="+kld, "MIN_TOP1=0.9", "FLAGS=--pure\n--max-memory  2GiB *")
		err = cmd.Run()
		said, _ := os.ReadFile(filepath.Join(dir, "calls"))   // absent: none
		told, _ := os.ReadFile(filepath.Join(dir, "outputs")) // the same
		if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
			t.Error("an input was run")
		}
		return strings.ReplaceAll(string(said), dir, "T"), string(told), err
	}
	var exit *exec.ExitError
	calls, outputs, err := run("a b.gguf", "0.05")
	want := "<convert><--type><q4_k_m><--output><a b.gguf><--resume><--no-verify><--pure><--max-memory><2GiB><*><--><--force $(touch out) `touch out`; \"'>\n" +
		"<validate><--against><--force $(touch out) `touch out`; \"'><--markdown><T/mq.md><--max-kld><0.05><--min-top1><0.9><--><a b.gguf>\n"
	if calls != want || outputs != "file=a b.gguf\n" {
		t.Errorf("calls\n%s\noutputs %q", calls, outputs)
	}
	if !errors.As(err, &exit) || exit.ExitCode() != 4 {
		t.Errorf("the file fell short: %v", err)
	}
	if calls, outputs, err := run("a\nother=b", ""); err == nil || calls != "" || outputs != "" {
		t.Errorf("a name of two lines: %s %q %v", calls, outputs, err)
	}
}

// TestActionTakesWhatItDeclares: every input is used, and handed over as a
// variable, so that no text of a workflow becomes one of the script.
func TestActionTakesWhatItDeclares(t *testing.T) {
	action := readAction(t)
	for name := range action.Inputs {
		used := false
		for _, step := range action.Runs.Steps {
			for _, value := range step.Env {
				used = used || strings.Contains(value, "inputs."+name+" ")
			}
			if strings.Contains(step.Run, "${{") {
				t.Error("a script has an expression in it")
			}
		}
		if !used {
			t.Errorf("the input %s is not used", name)
		}
	}
}
