package depcheck

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/f190792d/mq/"

// allowed says what the packages of a folder may import of mq itself: the
// listed folders, with everything below them. The longest matching folder
// decides. Test files are free.
var allowed = map[string][]string{
	"formats":                   {"formats"},
	"formats/dtype":             {"formats/fault"},
	"formats/fault":             {},
	"formats/progress":          {},
	"formats/tokenizer/pattern": {"formats/fault"},
	"formats/transfer":          {"formats/progress"},
	"quantize":                  {"quantize", "formats"},
	"quantize/block":            {"quantize/kernel", "formats/dtype"},
	"quantize/kernel":           {"quantize/kernel", "formats/dtype"},
	"arch":                      {"formats"},
	"convert":                   {"convert", "arch", "formats"},
	"convert/transform":         {"formats"},
	"convert/lora":              {"convert/unpack", "convert/transform", "formats"},
	"convert/unpack":            {"convert/transform", "formats"},
	"convert/vocab":             {"arch", "formats"},
	"eval/decode":               {"formats"},
	"eval":                      {"eval", "arch", "quantize", "formats"},
	"eval/kernel":               {"eval/kernel", "formats/dtype"},

	// The two loaders know neither each other nor the graph nor the
	// converter: what they read must not agree by construction.
	"eval/forward/checkpoint": {"eval/decode", "eval/forward/compute", "eval/kernel", "arch", "formats"},
	"eval/forward/file":       {"eval/forward/compute", "eval/kernel", "arch", "quantize", "formats"},
	"eval/forward/graph":      {"eval/forward/compute", "eval/forward/rotary", "eval/kernel", "arch", "formats"},
	"eval/forward/compute":    {"eval/kernel", "formats"},
	"eval/forward/rotary":     {"arch"},

	"refine":          {"refine", "eval/forward", "quantize", "formats"},
	"refine/linear":   {"eval/forward/compute", "eval/kernel"},
	"refine/rounding": {"refine/linear", "eval/kernel", "quantize", "formats/dtype"},

	"validate/template": {"validate/template", "formats"},
	"validate/proof":    {"eval", "formats"},
	"validate":          {"validate/proof", "eval", "convert", "arch", "quantize", "formats"},
	"publish":           {"publish", "formats"},
	"export":            {"convert", "arch", "quantize", "formats"},
	"pipeline":          {"pipeline", "refine", "validate", "eval", "convert", "arch", "quantize", "formats", "internal/memory"},
	"cmd":               {"cmd", "docs", "publish", "export", "pipeline", "validate", "eval", "convert", "arch", "quantize", "formats", "internal/memory"},
	"docs":              {},
	"internal/memory":   {},
	"internal":          {"internal", "validate", "eval", "convert", "arch", "quantize", "formats"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestImportsRunDownwardOnly(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		rule := longest(name)
		if rule == "" {
			t.Errorf("%s stands in no folder of the design: give it one, or a rule here", name)
			continue
		}
		for _, imported := range p.Imports {
			other, ok := strings.CutPrefix(imported, module)
			if ok && !slices.ContainsFunc(allowed[rule], func(folder string) bool { return within(other, folder) }) {
				t.Errorf("%s imports %s, which %s may not", name, other, rule)
			}
		}
	}
}

func TestRulesNameLivingFolders(t *testing.T) {
	var names []string
	for _, p := range list(t) {
		names = append(names, strings.TrimPrefix(p.ImportPath, module))
	}
	for folder := range allowed {
		if !slices.ContainsFunc(names, func(name string) bool { return within(name, folder) }) {
			t.Errorf("there is a rule for %s, but no package in it", folder)
		}
	}
}

func longest(name string) string {
	best := ""
	for folder := range allowed {
		if within(name, folder) && len(folder) > len(best) {
			best = folder
		}
	}
	return best
}

func within(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "../../...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestLibrariesLinkNoTemplateEngine keeps the engine that renders chat
// templates out of programs that do not render any.
func TestLibrariesLinkNoTemplateEngine(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}: {{join .Deps \" \"}}", "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name, deps, _ := strings.Cut(line, ":")
		name = strings.TrimPrefix(name, module)
		if !within(name, "cmd") && !within(name, "validate/template") && strings.Contains(deps, "validate/template/jinja") {
			t.Errorf("%s links the template engine", name)
		}
	}
}
