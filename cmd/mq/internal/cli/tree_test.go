package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// free are the flags with a value of the user's own words, or a number.
var free = []string{
	"set",
	"embed", "exclude-weights", "include-weights", "generate", "max-memory", "max-size", "model-name", "override-kv", "prompt", "prune-layers",
	"split-max-size", "target-size", "host", "message", "ollama", "system", "repo", "base-model", "quantized-by", "license-id", "tag", "lm-studio",
}

// TestEveryValueIsCompleted walks the command tree: each flag completes its
// value, or its words are free.
func TestEveryValueIsCompleted(t *testing.T) {
	root := (&app{}).root()
	complete(root)
	for _, cmd := range append(root.Commands(), root) {
		if !cmd.Runnable() && cmd != root {
			continue
		}
		check := func(f *pflag.Flag) {
			number := slices.Contains([]string{"int", "float64", "uint64"}, f.Value.Type())
			if f.NoOptDefVal != "" || number || f.Name == "help" {
				return
			}
			complete, ok := cmd.GetFlagCompletionFunc(f.Name)
			if !ok {
				t.Fatalf("%s --%s: nothing is registered", cmd.Name(), f.Name)
			}
			values, directive := complete(cmd, nil, "x=")
			completed := len(values) > 0 || directive&cobra.ShellCompDirectiveNoFileComp == 0
			if completed == slices.Contains(free, f.Name) {
				t.Errorf("%s --%s: completed %v, and free %v", cmd.Name(), f.Name, completed, slices.Contains(free, f.Name))
			}
		}
		cmd.LocalNonPersistentFlags().VisitAll(check)
		cmd.PersistentFlags().VisitAll(check)
		if strings.Contains(cmd.Use, " ") && cmd.ValidArgsFunction == nil && cmd.Name() != "man" {
			t.Errorf("%s: its arguments are not completed", cmd.Name())
		}
	}
}

func TestCompletionKnowsWhatIsMeant(t *testing.T) {
	for line, want := range map[string]string{
		"convert -t ":                     "\nq4_k_m\n",
		"convert -t q8_0,":                "\nq8_0,q4_k_m\n",
		"convert --output-tensor-type ":   "\nq6_k\n",
		"convert --tensor-type ffn_down=": "\nffn_down=q6_k\n",
		"convert --sensitivity-by ":       "model\nweights\n:36\n",
		"convert --imatrix ":              "gguf\ndat\n:8\n",
		"convert --pre ":                  "\nllama-bpe\n",
		"convert ":                        ":16\n", // folders
		"quantize ":                       "gguf\n:8\n",
		"hash --kind sha1,":               "\nsha1,sha256\n",
		"validate x.gguf --report ":       "html\njson\n:8\n",
	} {
		var out, notes bytes.Buffer
		args := append([]string{"__complete"}, strings.Split(line, " ")...)
		if code := Main(args, nil, &out, &notes); code != 0 || !strings.Contains("\n"+out.String(), want) {
			t.Errorf("%s: exit %d, %q lacks %q", line, code, out.String(), want)
		}
	}
}

// TestManualHasAPageForEveryCommand, and a topic for every page of the docs.
func TestManualHasAPageForEveryCommand(t *testing.T) {
	dir := t.TempDir()
	var out, notes bytes.Buffer
	if code := Main([]string{"man", dir}, nil, &out, &notes); code != 0 {
		t.Fatal(notes.String())
	}
	var walk func(name string, cmd *cobra.Command)
	walk = func(name string, cmd *cobra.Command) {
		if !cmd.Runnable() {
			return
		}
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil || !strings.Contains(string(page), cmd.Short) {
			t.Errorf("%s: %v", name, err)
		}
		for _, sub := range cmd.Commands() {
			walk(name+"-"+sub.Name(), sub)
		}
	}
	for _, cmd := range (&app{}).root().Commands() {
		walk("mq-"+cmd.Name(), cmd)
	}
	for _, topic := range []string{"scaling", "scripting", "quantization", "validation", "tokenizers"} {
		want, err := os.ReadFile("../../../../docs/" + topic + ".md")
		if err != nil {
			t.Fatal(err)
		}
		out.Reset()
		if code := Main([]string{"help", topic}, nil, &out, &notes); code != 0 || out.String() != string(want) {
			t.Errorf("help %s: exit %d, %d bytes of %d", topic, code, out.Len(), len(want))
		}
	}
}
