package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/tiny"
)

// described are the descriptions of families that the table has as values, too.
func described(t *testing.T) map[string]arch.Arch {
	t.Helper()
	files, err := filepath.Glob("../../arch/testdata/described/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	all := map[string]arch.Arch{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if all[file], err = arch.Described(hf.Reading{Description: string(text), File: file}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestADescriptionGivesTheBytesOfItsValue: families kept as files convert to
// what their values in Go give, and the check at the end passes.
func TestADescriptionGivesTheBytesOfItsValue(t *testing.T) {
	for file, a := range described(t) {
		compared := 0
		for _, f := range models.All(t) {
			if !slices.Contains(a.Classes, f.Class) {
				continue
			}
			compared++
			dir := f.Unpack(t)
			want, _ := converted(t, dir)
			if got, says := converted(t, dir, "--arch", file); !bytes.Equal(got, want) {
				t.Errorf("%s by %s: another file than by its value: %s", f.Name, file, says)
			}
		}
		if compared == 0 {
			t.Errorf("%s: no fixture is of %q", file, a.Classes)
		}
	}
}

// TestADescribedArchitectureOfAnUnknownNameIsRead: a file whose architecture is
// not in the table is read by the description, and computes the same.
func TestADescribedArchitectureOfAnUnknownNameIsRead(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("One day a panda went for a walk. ", 8)), 0o666); err != nil {
		t.Fatal(err)
	}
	for file, a := range described(t) {
		dir := checkpoint(t, a.Classes[0], nil)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// What only config.json says, a file of a name of its own must say, too.
		data = bytes.Replace(data, []byte("sqrt(query_pre_attn_scalar)"), []byte("sqrt(attention.query_scalar)"), 1)
		data = bytes.Replace(data, []byte("\nparameters:"), []byte("\nparameters:\n  attention.query_scalar: or(query_pre_attn_scalar, head_dim)"), 1)
		renamed := filepath.Join(t.TempDir(), "ficta.yaml")
		if err := os.WriteFile(renamed, regexp.MustCompile(`(?m)^architecture: .*$`).ReplaceAll(data, []byte("architecture: ficta")), 0o666); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "x.gguf")
		if code, says := run("convert", dir, "-t", "f32", "-o", out, "--arch", renamed, "--provenance"); code != 0 || !strings.Contains(says, "agrees with the source") {
			t.Fatalf("%s: exit %d: %s", file, code, says)
		}
		if about, err := os.ReadFile(out + ".mq.json"); err != nil || !strings.Contains(string(about), `"described": "ficta.yaml"`) || !strings.Contains(string(about), `"name": "ficta.yaml"`) {
			t.Errorf("the provenance does not name the description (%v): %s", err, about)
		}
		if code, says := run("eval", out, "-f", text, "--ctx", "16"); code != 4 {
			t.Errorf("exit %d without the description: %s", code, says)
		}
		_, want := run("eval", dir, "-f", text, "--ctx", "16", "-q")
		for _, model := range []string{out, dir} {
			if code, says := run("eval", model, "-f", text, "--ctx", "16", "-q", "--arch", renamed); code != 0 || says != want {
				t.Errorf("%s: %s gives %q by the description, the checkpoint by its class %q", file, model, says, want)
			}
		}
		for _, args := range [][]string{{"validate", out, "--against", dir}, {"quantize", out, "-t", "q8_0", "-o", out + "-q8.gguf"}} {
			if code, says := run(append(args, "--arch", renamed)...); code != 0 {
				t.Errorf("%q: exit %d: %s", args, code, says)
			}
		}
	}
}

// TestThePageShowsADescriptionThatConverts takes it from the page.
func TestThePageShowsADescriptionThatConverts(t *testing.T) {
	page, err := os.ReadFile("../../docs/adding-an-architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(architecture: ficta.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("the page shows none")
	}
	file := filepath.Join(t.TempDir(), "ficta.yaml")
	if err := os.WriteFile(file, block[1], 0o666); err != nil {
		t.Fatal(err)
	}
	dir := checkpoint(t, "LlamaForCausalLM", func(f *tiny.Files) {
		f.Config["architectures"], f.Config["attn_cap"] = []string{"FictaForCausalLM"}, 2.5
		width := f.Tensor("model.norm.weight").Shape
		for layer := range 2 {
			for _, norm := range []string{"mixed", "fed"} {
				like := *f.Tensor(fmt.Sprintf("model.layers.%d.input_layernorm.weight", layer))
				like.Name, like.Shape = fmt.Sprintf("model.layers.%d.%s_norm.weight", layer, norm), width
				f.Tensors = append(f.Tensors, like)
			}
		}
	})
	out := filepath.Join(t.TempDir(), "x.gguf")
	code, says := run("convert", dir, "-t", "f32", "-o", out, "--arch", file)
	if code != 0 || !strings.Contains(says, "agrees with the source") || !strings.Contains(says, "llama.cpp loads the file if it knows") {
		t.Fatalf("exit %d: %s", code, says)
	}
	if _, says = run("inspect", out, "--no-tensors"); !strings.Contains(says, "ficta.attn_logit_softcapping") || !strings.Contains(says, "2.5") {
		t.Errorf("the cap is not in the file: %s", says)
	}
}

// TestADescriptionThatLeavesAPartOutIsRefused: of a name that is known, the
// file's model is what that name means.
func TestADescriptionThatLeavesAPartOutIsRefused(t *testing.T) {
	of := regexp.MustCompile(`(?m)^  (?:input|layer|output)\..*\n(?:    .*\n)?`)
	for file, a := range described(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := checkpoint(t, a.Classes[0], func(f *tiny.Files) {
			if _, ok := f.Config["attention_multiplier"]; ok {
				f.Config["attention_multiplier"] = 0.3
			}
		})
		for _, part := range of.FindAllString(string(text), -1) {
			if strings.Contains(part, "query_pre_attn_scalar") {
				continue // it is the size of a head, as files imply
			}
			less := filepath.Join(t.TempDir(), "less.yaml")
			if err := os.WriteFile(less, []byte(strings.Replace(string(text), part, "", 1)), 0o666); err != nil {
				t.Fatal(err)
			}
			if code, says := run("plan", dir, "--arch", less); code != 4 || !strings.Contains(says, less+": a file of architecture "+a.Name+" cannot express what it describes") {
				t.Errorf("%s without %s: exit %d: %s", file, part, code, says)
			}
		}
	}
	other, file := checkpoint(t, "LlamaForCausalLM", nil), "../../arch/testdata/described/gemma2.yaml"
	if code, says := run("plan", other, "--arch", file); code != 2 || !strings.Contains(says, "class LlamaForCausalLM is not one that "+file+" describes: Gemma2ForCausalLM") {
		t.Errorf("exit %d: %s", code, says)
	}
}

// TestTensorsOfOtherNamesAreThoseOfTheParent: names are replaced, in pairs, and
// nothing else is said.
func TestTensorsOfOtherNamesAreThoseOfTheParent(t *testing.T) {
	want, _ := converted(t, checkpoint(t, "LlamaForCausalLM", nil))
	names := strings.NewReplacer("model.layers.", "model.loops.", "self_attn.q_proj", "self_attn.query", "post_attention_layernorm", "post_norm", "lm_head.", "last.") // of the same order
	dir := checkpoint(t, "LlamaForCausalLM", func(f *tiny.Files) {
		f.Config["architectures"] = []string{"NewForCausalLM"}
		for i := range f.Tensors {
			f.Tensors[i].Name = names.Replace(f.Tensors[i].Name)
		}
		f.Tensors = append(f.Tensors, f.Tensors[0])
		f.Tensors[len(f.Tensors)-1].Name = "model.teacher.weight"
	})
	file := filepath.Join(t.TempDir(), "new.yaml")
	if err := os.WriteFile(file, []byte(`parent: LlamaForCausalLM
classes: [NewForCausalLM]
rename: {model.loops.: model.layers., self_attn.query: self_attn.q_proj, post_norm: post_attention_layernorm, last.: lm_head.}
ignore: ["*.teacher.*"]
`), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, says := converted(t, dir, "--arch", file); !bytes.Equal(got, want) {
		t.Errorf("another file than of the names of the parent: %s", says)
	}
	if code, says := run("plan", dir); code != 4 || !strings.Contains(says, "--arch FILE") || !strings.Contains(says, "its tensors are those of no class") {
		t.Errorf("exit %d: %s", code, says)
	}
}
