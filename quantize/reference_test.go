package quantize

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	fixtures "github.com/f190792d/mq/internal/fixtures/quantize"
)

// prefix is the digest that the fixtures hold.
func prefix(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// parseArgs turns the arguments of llama-quantize into options.
func parseArgs(t testing.TB, c fixtures.Case, matrix *imatrix.Matrix) (Options, error) {
	t.Helper()
	var o Options
	var include, exclude []string
	file := ""
	typ := func(s string) *gguf.Type { id, _ := gguf.ParseType(s); return &id }
	withValue := map[string]func(string) error{
		"--tensor-type": func(s string) error {
			v, err := ParseOverride(s)
			o.Overrides = append(o.Overrides, v)
			return err
		},
		"--override-kv": func(s string) error {
			kv, err := ParseKVOverride(s)
			o.KVs = append(o.KVs, kv)
			return err
		},
		"--prune-layers":         func(s string) (err error) { o.PruneLayers, err = ParseLayers(s); return },
		"--output-tensor-type":   func(s string) error { o.OutputType = typ(s); return nil },
		"--token-embedding-type": func(s string) error { o.EmbedType = typ(s); return nil },
		"--imatrix":              func(s string) error { file = s; return nil },
		"--include-weights":      func(s string) error { include = append(include, s); return nil },
		"--exclude-weights":      func(s string) error { exclude = append(exclude, s); return nil },
	}
	flags := map[string]*bool{"--pure": &o.Pure, "--leave-output-tensor": &o.LeaveOutput, "--keep-split": &o.KeepSplit, "--allow-requantize": &o.AllowRequantize}
	for args := c.Args; len(args) > 0; args = args[1:] {
		if set, ok := flags[args[0]]; ok {
			*set = true
			continue
		}
		if err := withValue[args[0]](args[1]); err != nil {
			return o, err
		}
		args = args[1:]
	}
	var err error
	if o.Recipe, err = ParseRecipe(c.Type); err == nil && file != "" {
		o.Importance, err = NewImportance(file, matrix, include, exclude)
	}
	return o, err
}

// TestWholeFilesEqualLlamaQuantize quantizes models of many architectures'
// names and shapes with every recipe and option, and compares the types of
// all tensors and the digests of whole files with what llama-quantize wrote.
func TestWholeFilesEqualLlamaQuantize(t *testing.T) {
	cases, err := fixtures.Reference()
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, error %v", len(cases), err)
	}
	byModel := map[string][]fixtures.Case{}
	for _, c := range cases {
		byModel[c.Model] = append(byModel[c.Model], c)
	}
	for name, cases := range byModel {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, ok := fixtures.Lookup(name)
			if !ok {
				t.Fatal("no such model")
			}
			file, err := m.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			matrixFile, err := m.Imatrix()
			if err != nil {
				t.Fatal(err)
			}
			matrix, err := imatrix.New(t.Context(), bytes.NewReader(matrixFile), int64(len(matrixFile)), fixtures.ImatrixName)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				compare(t, sourceOf(t, m, file, c), c, matrix)
			}
		})
	}
}

// sourceOf returns what a case starts from: the model, a split set of it, or
// what a first run made of it.
func sourceOf(t *testing.T, m fixtures.Model, file []byte, c fixtures.Case) *gguf.File {
	t.Helper()
	source := open(t, file, m.Name)
	switch {
	case c.Via != "":
		out, buffers := inMemory(plan(t, source.KVs(), source.Tensors(), Options{Recipe: recipe(t, c.Via)}))
		if err := Run(context.Background(), streams(source), []Output{out}, RunOptions{}); err != nil {
			t.Fatal(err)
		}
		return open(t, buffers[0].b, m.Name)
	case c.Parts > 0:
		parts, err := m.Parts(c.Parts)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for i, part := range parts {
			if err := os.WriteFile(filepath.Join(dir, fixtures.PartName(i, c.Parts)), part, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return openFile(t, filepath.Join(dir, fixtures.PartName(0, c.Parts)))
	}
	return source
}

func compare(t *testing.T, source *gguf.File, c fixtures.Case, matrix *imatrix.Matrix) {
	t.Helper()
	o, err := parseArgs(t, c, matrix)
	var plan *Plan
	if err == nil {
		plan, err = NewPlan(source.KVs(), source.Tensors(), o)
	}
	if c.Error || err != nil {
		if c.Error != (err != nil) {
			t.Errorf("%s%s %q: error %v, llama-quantize failed: %v", c.Via, c.Type, c.Args, err, c.Error)
		}
		return
	}
	var types []string
	for _, f := range plan.Files {
		types = append(types, fixtures.Fold(f.Tensors))
	}
	if got := strings.Join(types, " / "); got != c.Types {
		t.Errorf("%s %q: types\n%s\nllama-quantize chose\n%s", c.Type, c.Args, got, c.Types)
		return
	}
	out, buffers := inMemory(plan)
	if err := Run(context.Background(), streams(source), []Output{out}, RunOptions{Workers: 2}); err != nil {
		t.Errorf("%s %q: %v", c.Type, c.Args, err)
		return
	}
	var got []string
	for _, b := range buffers {
		got = append(got, prefix(b.b))
	}
	if !slices.Equal(got, c.Files) {
		t.Errorf("%s %q: digests %v, llama-quantize wrote %v", c.Type, c.Args, got, c.Files)
	}
}
