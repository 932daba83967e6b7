package cli

import (
	"os"
	"regexp"
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

// TestActionTakesWhatItDeclares: every input is used, and handed over as a
// variable, so that no text of a workflow becomes one of the script.
func TestActionTakesWhatItDeclares(t *testing.T) {
	text, err := os.ReadFile("../../../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs map[string]any
		Runs   struct {
			Steps []struct {
				Run string
				Env map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
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
