package pipeline

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
)

// TestFilesAreNamedByTheConvention compares names with those that gguf-py
// gives files of the same general.*.
func TestFilesAreNamedByTheConvention(t *testing.T) {
	file, err := os.Open("../convert/testdata/modelids.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); lines++ {
		f := strings.Split(scanner.Text(), "\t")
		var kvs gguf.KVs
		for i, key := range []string{"name", "organization", "basename", "finetune", "version", "size_label"} {
			if f[2+i] != "" {
				kvs.Set("general."+key, f[2+i])
			}
		}
		want := f[8]
		if strings.HasPrefix(want, "./") || strings.HasPrefix(want, "..") || want[0] == '-' {
			continue // neither another folder nor an option: see below
		}
		if got, err := outputPath("", "", namedBy(kvs, ""), "Q8_0", false); err != nil || got != want+".gguf" {
			t.Errorf("%s with %s weights: %s, %v, want %s", f[0], f[1], got, err, want)
		}
	}
	if lines < 300 {
		t.Errorf("%d names", lines)
	}
}

func TestNamesOfFilesStayInTheirFolder(t *testing.T) {
	for _, c := range []struct {
		kvs  gguf.KVs
		want string
	}{
		{nil, "folder-Q8_0"},
		{gguf.KVs{{Key: "general.basename", Value: "../../x"}, {Key: "general.version", Value: "a/b\\c:d\ne"}}, "x-a-b-c-d-e-Q8_0"},
		{gguf.KVs{{Key: "general.name", Value: "--force"}, {Key: "general.size_label", Value: "7B"}}, "force-7B-Q8_0"},
		{gguf.KVs{{Key: "general.basename", Value: "Qwen2-VL"}, {Key: "general.type", Value: "mmproj"}}, "mmproj-Qwen2-VL-Q8_0"},
		{gguf.KVs{{Key: "general.name", Value: "My adapter"}, {Key: "general.type", Value: "adapter"}}, "My-adapter-Q8_0-LoRA"},
	} {
		if got, err := outputPath("", "out", namedBy(c.kvs, "folder"), "Q8_0", false); err != nil || got != filepath.Join("out", c.want+".gguf") {
			t.Errorf("%v: %s, %v, want %s", c.kvs, got, err, c.want)
		}
	}
	if got, err := outputPath("a/{name}/{type}.gguf", "", fileName{"Qwen3-8B", ""}, "Q8_0", true); err != nil || got != "a/Qwen3-8B/Q8_0.gguf" {
		t.Errorf("%s, %v", got, err)
	}
}
