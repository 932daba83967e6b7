package cli

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/f190792d/mq/cmd/mq/internal/exit"
	"github.com/f190792d/mq/cmd/mq/internal/flags"
)

// TestDocumentedBatchIsTheExample holds docs/scaling.md to the file that the
// command-line tests run.
func TestDocumentedBatchIsTheExample(t *testing.T) {
	example, err := os.ReadFile("../../../../docs/examples/batch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```yaml\n"+string(example)+"```") {
		t.Error("docs/scaling.md shows another batch.yaml")
	}
}

// TestKubernetesJobFollowsTheExitCodes compares the example with exit.go: a
// pod is not started again for what would fail again.
func TestKubernetesJobFollowsTheExitCodes(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/examples/kubernetes-job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job struct {
		Spec struct {
			Completions      int `yaml:"completions"`
			PodFailurePolicy struct {
				Rules []struct {
					Action      string `yaml:"action"`
					OnExitCodes struct {
						ContainerName string `yaml:"containerName"`
						Values        []int  `yaml:"values"`
					} `yaml:"onExitCodes"`
				} `yaml:"rules"`
			} `yaml:"podFailurePolicy"`
			Template struct {
				Spec struct {
					RestartPolicy string `yaml:"restartPolicy"`
					Containers    []struct {
						Name string   `yaml:"name"`
						Args []string `yaml:"args"`
					} `yaml:"containers"`
				} `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal(text, &job); err != nil {
		t.Fatal(err)
	}
	actions := map[int]string{}
	container := job.Spec.Template.Spec.Containers[0]
	for _, rule := range job.Spec.PodFailurePolicy.Rules {
		for _, code := range rule.OnExitCodes.Values {
			actions[code] = rule.Action
			if rule.OnExitCodes.ContainerName != container.Name {
				t.Errorf("a rule is for the container %q", rule.OnExitCodes.ContainerName)
			}
		}
	}
	for code, want := range map[int]string{
		exit.Usage: "FailJob", exit.Check: "FailJob", exit.Unsupported: "FailJob", exit.Corrupt: "FailJob",
		exit.Interrupted: "Ignore", exit.IO: "", exit.Other: "",
	} {
		if actions[code] != want {
			t.Errorf("exit code %d leads to %q, not %q", code, actions[code], want)
		}
	}
	if job.Spec.Template.Spec.RestartPolicy != "Never" {
		t.Error("a podFailurePolicy needs restartPolicy Never")
	}
	at := slices.IndexFunc(container.Args, func(s string) bool { return strings.HasPrefix(s, "--part=") })
	index, count, err := flags.ParsePart(strings.TrimPrefix(container.Args[at], "--part="), func(name string) (string, bool) {
		return "7", name == "JOB_COMPLETION_INDEX"
	})
	if err != nil || index != 7 || count != job.Spec.Completions {
		t.Errorf("the last pod makes part %d of %d, error %v", index, count, err)
	}
}
