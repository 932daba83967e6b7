package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFoldersOfOutputsAreMadeOnRequest by every command that writes files, and
// not otherwise.
func TestFoldersOfOutputsAreMadeOnRequest(t *testing.T) {
	model, err := filepath.Abs(stories)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("text.txt", strings.Repeat("Once upon a time there was a girl who had a dog. ", 40))
	if code, _, says := mq("convert", model, "-t", "q8_0", "-o", "good.gguf", "--no-verify"); code != 0 {
		t.Fatal(says)
	}
	for i, line := range []string{
		"convert STORIES -t q8_0,q4_0 -o DIR/a/{type}/m.gguf --no-verify", "convert STORIES --target-bpw 5 --sensitivity-by weights --save-types DIR/t --no-verify -o DIR/a/x.gguf",
		"quantize good.gguf -t q8_0 -o DIR/m.gguf", "split good.gguf --max-size 2M -o DIR/m", "merge good.gguf -o DIR/m.gguf",
		"imatrix good.gguf -f text.txt -c 64 -o DIR/m.gguf", "eval good.gguf -f text.txt -c 64 --save-all-logits DIR/l", "validate good.gguf --report DIR/r.html --markdown DIR/r.md",
		"plan STORIES --target-bpw 5 --sensitivity-by weights --save-types DIR/t", "man DIR", "export good.gguf DIR/e", "card good.gguf -o DIR/README.md", "pack good.gguf --oci DIR/p", "batch jobs.yaml --junit DIR/r.xml --report DIR/r.json",
	} {
		dir := string(rune('a'+i)) + "/out"
		write("jobs.yaml", "output: "+dir+"/{type}/{model}.gguf\ntypes: [q8_0]\nmodels: [{path: "+model+"}]\n")
		args := strings.Fields(strings.NewReplacer("STORIES", model, "DIR", dir).Replace(line))
		code, _, says := mq(args...)
		if _, err := os.Stat(dir); code != 2 || err == nil || !strings.Contains(says, dir) && args[0] != "batch" {
			t.Errorf("%s: exit %d, folder made %v: %s", line, code, err == nil, says)
		}
		code, _, says = mq(append(args, "--mkdir")...)
		if _, err := os.Stat(dir); code != 0 || err != nil {
			t.Errorf("%s --mkdir: exit %d, %v: %s", line, code, err, says)
		}
	}
}
