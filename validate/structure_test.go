package validate_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/internal/tiny"
	"github.com/f190792d/mq/validate"
)

// drop and reshape are edits of a tensor.
func drop(name string) func(*gguf.File) []gguf.Stream {
	return func(f *gguf.File) []gguf.Stream {
		return slices.DeleteFunc(fileStreams(f), func(s gguf.Stream) bool { return s.Name == name })
	}
}

func reshape(name string, shape ...int64) func(*gguf.File) []gguf.Stream {
	return func(f *gguf.File) []gguf.Stream {
		all := fileStreams(f)
		for i := range all {
			if all[i].Name == name {
				all[i].Shape = shape
			}
		}
		return all
	}
}

func set(key string, value any) func(*gguf.KVs) {
	return func(kvs *gguf.KVs) { kvs.Set(key, value) }
}

func TestFindsBrokenStructure(t *testing.T) {
	good := converted(t, stories, "Q8_0", nil)
	f, err := gguf.Open(good)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tokens, _ := f.KVs().Strings("tokenizer.ggml.tokens")
	merges, _ := f.KVs().Strings("tokenizer.ggml.merges")
	for _, c := range []struct {
		name    string
		kvs     func(*gguf.KVs)
		streams func(*gguf.File) []gguf.Stream
		check   string
		about   string
	}{
		{"a tensor is missing", nil, drop("blk.2.attn_v.weight"), validate.Architecture, `"blk.2.attn_v.weight": it is missing`},
		{"a tensor has another shape", nil, reshape("blk.0.ffn_up.weight", 768, 256), validate.Architecture, `"blk.0.ffn_up.weight": shape [768 256] should be [256 768]`},
		{"no architecture", func(kvs *gguf.KVs) { kvs.Delete("general.architecture") }, nil, validate.Architecture, "general.architecture"},
		{"a needed key is missing", func(kvs *gguf.KVs) { kvs.Delete("llama.attention.layer_norm_rms_epsilon") }, nil, validate.Architecture, "rms_epsilon"},
		{"a key of another type", set("llama.block_count", int32(4)), nil, validate.Architecture, "type int32 and should be of type uint32"},
		{"a layer too many", set("llama.block_count", uint32(5)), nil, validate.Architecture, `"blk.4.attn_k.weight": it is missing`},
		{"tokens without types", set("tokenizer.ggml.token_type", make([]int32, 7)), nil, validate.Vocabulary, "7 entries for 1024 tokens"},
		{"an unknown token type", set("tokenizer.ggml.token_type", slices.Repeat([]int32{9}, 1024)), nil, validate.Vocabulary, "unknown type 9"},
		{"scores of another length", set("tokenizer.ggml.scores", make([]float32, 3)), nil, validate.Vocabulary, "3 entries for 1024 tokens"},
		{"an id out of range", set("tokenizer.ggml.eos_token_id", uint32(1024)), nil, validate.Vocabulary, "token 1024 is out of"},
		{"an id of another type", set("tokenizer.ggml.eos_token_id", "2"), nil, validate.Vocabulary, "type string"},
		{"a merge of no tokens", set("tokenizer.ggml.merges", append(slices.Clone(merges), "qqq zzz")), nil, validate.Vocabulary, `"qqq" is not a token`},
		{"a merge of one half", set("tokenizer.ggml.merges", append(slices.Clone(merges), "qqq")), nil, validate.Vocabulary, "is not two strings"},
		{"a token twice", set("tokenizer.ggml.tokens", append(slices.Clone(tokens[:1023]), tokens[0])), nil, validate.Vocabulary, "are both"},
		{"tokens of another type", set("tokenizer.ggml.tokens", make([]int32, 1024)), nil, validate.Vocabulary, "no array of strings"},
		{"another vocabulary size", set("llama.vocab_size", uint32(1023)), nil, validate.Vocabulary, "1023 for 1024 tokens"},
		{"an open block in the template", set("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}"), nil, validate.Template, "endfor"},
		{"an open tag in the template", set("tokenizer.chat_template", "{{ messages"), nil, validate.Template, "{{ is not closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fails(t, check(t, edited(t, good, c.kvs, c.streams), validate.Options{SkipNumbers: true}), c.check, c.about, fault.ErrCorrupt)
		})
	}
}

func TestWarnsOfTwoBOS(t *testing.T) {
	good := converted(t, stories, "Q8_0", nil)
	for _, c := range []struct {
		add  bool
		want validate.Severity
	}{{true, validate.Warning}, {false, validate.Pass}} {
		r := check(t, edited(t, good, set("tokenizer.ggml.add_bos_token", c.add), nil), validate.Options{})
		if r.Verdict != c.want {
			t.Errorf("add_bos_token %v: verdict %s, want %s: %v", c.add, r.Verdict, c.want, r.Findings)
		}
	}
}

func TestFindsValuesThatAreNoNumbers(t *testing.T) {
	bad := converted(t, stories, "Q8_0", nil)
	for _, bit := range []int{10, 11, 12, 13, 14} { // an exponent of ones
		f, err := gguf.Open(bad)
		if err != nil {
			t.Fatal(err)
		}
		info, _ := f.Lookup("blk.0.attn_q.weight")
		var scale [2]byte
		_, err = f.ReadTensorAt(t.Context(), info, scale[:], 0)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if binary.LittleEndian.Uint16(scale[:])>>bit&1 == 0 {
			flip(t, bad, "blk.0.attn_q.weight", 0, bit)
		}
	}
	fails(t, check(t, bad, validate.Options{}), validate.Numbers, `"blk.0.attn_q.weight"`, fault.ErrCheck)
}

func TestReportsAFileThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.gguf")
	if err := os.WriteFile(path, []byte("not a model"), 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, check(t, path, validate.Options{}), validate.Layout, "broken.gguf", fault.ErrCorrupt)
	if _, err := validate.File(context.Background(), path+".absent", validate.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent file gives %v", err)
	}
}

func TestFindsAMissingPartOfASet(t *testing.T) {
	f, err := gguf.Open(converted(t, stories, "Q8_0", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plans, err := gguf.Split(f, gguf.SplitOptions{MaxTensors: 15})
	if err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(t.TempDir(), "set")
	for i, p := range plans {
		out, err := os.Create(gguf.SplitPath(prefix, i, len(plans)))
		if err != nil {
			t.Fatal(err)
		}
		if err := gguf.Copy(context.Background(), out, p, f, nil); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	first := gguf.SplitPath(prefix, 0, len(plans))
	r := check(t, first, validate.Options{Against: stories})
	if r.Verdict == validate.Fail || len(r.Parts) != len(plans) {
		t.Errorf("verdict %s with %d parts of %d: %v", r.Verdict, len(r.Parts), len(plans), r.Findings)
	}
	if err := os.Remove(gguf.SplitPath(prefix, 1, len(plans))); err != nil {
		t.Fatal(err)
	}
	fails(t, check(t, first, validate.Options{}), validate.Layout, "part 2 of 3 is missing", fault.ErrCorrupt)
}

// Every architecture of the table gives a file that holds up.
func TestEveryArchitectureHoldsUp(t *testing.T) {
	for _, class := range brief.Of(tiny.Classes(), 8) {
		t.Run(class, func(t *testing.T) {
			dir := t.TempDir()
			if err := tiny.Write(dir, class, 7); err != nil {
				t.Fatal(err)
			}
			path := converted(t, dir, "F16", nil)
			r := check(t, path, validate.Options{Against: dir})
			passes(t, r)
			for _, f := range r.Findings {
				if f.Severity == validate.Warning && f.Check == validate.Architecture && !strings.HasSuffix(f.Key, ".context_length") {
					t.Errorf("warning: %s: %s", f.Check, f)
				}
			}
		})
	}
}

func TestRealVocabulariesPass(t *testing.T) {
	folder := shared.Path(t, "data/tokenizers/ggml-vocab")
	files, err := filepath.Glob(filepath.Join(folder, "*.gguf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vocabularies in %s: %v", folder, err)
	}
	for _, path := range files {
		t.Run(strings.TrimPrefix(filepath.Base(path), "ggml-vocab-"), func(t *testing.T) {
			passes(t, check(t, path, validate.Options{}))
		})
	}
}

func TestWorkersDoNotChangeTheReport(t *testing.T) {
	path := converted(t, stories, "Q4_K_M", nil)
	one := check(t, path, validate.Options{Against: stories, Workers: 1})
	three := check(t, path, validate.Options{Against: stories, Workers: 3})
	if a, b := asJSON(t, one), asJSON(t, three); a != b {
		t.Errorf("1 worker:\n%s\n3 workers:\n%s", a, b)
	}
}
