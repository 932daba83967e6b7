package validate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/tiny"
	"github.com/f190792d/mq/validate"
)

// fails demands a failure of a check that names what is wrong.
func fails(t *testing.T, r *validate.Report, check, about string, class error) {
	t.Helper()
	if r.Verdict != validate.Fail || !errors.Is(r.Err(), class) {
		t.Errorf("verdict %s, error %v; want a failure of class %v", r.Verdict, r.Err(), class)
	}
	for _, f := range r.Findings {
		if f.Severity == validate.Fail && f.Check == check && strings.Contains(f.String(), about) {
			return
		}
	}
	t.Errorf("no failure of %s speaks of %q: %v", check, about, r.Findings)
}

func TestFindsOneBitFlippedInAScale(t *testing.T) {
	for _, c := range []struct {
		recipe, tensor string
		scale          int64 // offset in a block
		block          int64
	}{
		{"Q8_0", "blk.1.ffn_up.weight", 0, 34},
		{"Q4_0", "blk.2.attn_output.weight", 0, 18},
		{"Q4_K_M", "blk.1.ffn_up.weight", 2, 144},
		{"Q6_K", "blk.3.ffn_gate.weight", 208, 210},
		{"IQ4_XS", "blk.0.attn_k.weight", 0, 136},
		{"IQ3_S", "blk.0.ffn_gate.weight", 0, 110},
		{"BF16", "blk.0.attn_norm.weight", 0, 4},
	} {
		path := converted(t, stories, c.recipe, nil)
		for _, bit := range brief.Of([]int{12, 0, 7, 14}, 4) {
			t.Run(fmt.Sprintf("%s/bit %d", c.recipe, bit), func(t *testing.T) {
				flip(t, path, c.tensor, 3*c.block+c.scale, bit)
				defer flip(t, path, c.tensor, 3*c.block+c.scale, bit)
				fails(t, check(t, path, validate.Options{Against: stories, SkipLogits: true}), validate.Numbers, c.tensor, fault.ErrCheck)
			})
		}
	}
}

// flip turns one bit of a tensor's data over.
func flip(t *testing.T, path, tensor string, offset int64, bit int) {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	info, ok := f.Lookup(tensor)
	at := f.DataOffset(0) + info.Offset + offset + int64(bit/8)
	f.Close()
	if !ok {
		t.Fatalf("no tensor %q", tensor)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var b [1]byte
	if _, err := file.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << (bit % 8)
	if _, err := file.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// exchange returns an edit by which tensor a is read from b, and b from a.
func exchange(pairs ...string) func(*gguf.File) []gguf.Stream {
	return func(f *gguf.File) []gguf.Stream {
		all := fileStreams(f)
		at := func(name string) int {
			return slices.IndexFunc(all, func(s gguf.Stream) bool { return s.Name == name })
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			a, b := at(pairs[i]), at(pairs[i+1])
			all[a].ReadRows, all[b].ReadRows = all[b].ReadRows, all[a].ReadRows
		}
		return all
	}
}

func TestFindsATensorOfAnotherLayer(t *testing.T) {
	for _, recipe := range brief.Of([]string{"Q8_0", "Q4_K_M", "Q2_K", "Q1_0"}, 4) {
		t.Run(recipe, func(t *testing.T) {
			good := converted(t, stories, recipe, nil)
			bad := edited(t, good, nil, func(f *gguf.File) []gguf.Stream {
				all := fileStreams(f)
				for i := range all {
					if all[i].Name == "blk.1.ffn_up.weight" {
						other, _ := f.Lookup("blk.2.ffn_up.weight")
						all[i].ReadRows = f.Stream(other).ReadRows
					}
				}
				return all
			})
			fails(t, check(t, bad, validate.Options{Against: stories, SkipLogits: true}), validate.Numbers, `"blk.1.ffn_up.weight"`, fault.ErrCheck)
		})
	}
}

func TestFindsGateAndUpSwapped(t *testing.T) {
	good := converted(t, stories, "BF16", nil)
	bad := edited(t, good, nil, exchange("blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.1.ffn_gate.weight", "blk.1.ffn_up.weight"))
	fails(t, check(t, bad, validate.Options{Against: stories, SkipLogits: true}), validate.Numbers, `"blk.0.ffn_gate.weight"`, fault.ErrCheck)
	fails(t, check(t, bad, validate.Options{Against: stories, SkipNumbers: true}), validate.Logits, "KL divergence", fault.ErrCheck)
}

func TestFindsQueriesThatWereNotPermuted(t *testing.T) {
	ckpt, err := hf.Open(t.Context(), stories)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	good := converted(t, stories, "BF16", nil)
	bad := edited(t, good, nil, func(f *gguf.File) []gguf.Stream {
		all := fileStreams(f)
		for i, s := range all {
			var layer int
			if _, err := fmt.Sscanf(s.Name, "blk.%d.attn_q.weight", &layer); err == nil && strings.HasSuffix(s.Name, "attn_q.weight") {
				source, _ := ckpt.Lookup(fmt.Sprintf("model.layers.%d.self_attn.q_proj.weight", layer))
				all[i].ReadRows = func(ctx context.Context, dst []byte, first int64) error {
					_, err := source.ReadAt(ctx, dst, first*s.RowBytes())
					return err
				}
			}
		}
		return all
	})
	fails(t, check(t, bad, validate.Options{Against: stories, SkipLogits: true}), validate.Numbers, `"blk.0.attn_q.weight"`, fault.ErrCheck)
	fails(t, check(t, bad, validate.Options{Against: stories, SkipNumbers: true}), validate.Logits, "KL divergence", fault.ErrCheck)
}

func TestFindsWrongHyperparameters(t *testing.T) {
	good := converted(t, stories, "Q8_0", nil)
	for key, value := range map[string]float32{
		"llama.attention.layer_norm_rms_epsilon": 3e-6,
		"llama.rope.freq_base":                   20000,
	} {
		for _, against := range []string{stories, good} {
			t.Run(key, func(t *testing.T) {
				bad := edited(t, good, func(kvs *gguf.KVs) { kvs.Set(key, value) }, nil)
				about := map[bool]string{true: "Eps", false: "Rope.Base"}[strings.Contains(key, "epsilon")]
				fails(t, check(t, bad, validate.Options{Against: against, SkipNumbers: true}), validate.Identity, about, fault.ErrCheck)
			})
		}
	}
}

func TestFindsSwappedExperts(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Write(dir, "MixtralForCausalLM", 3); err != nil {
		t.Fatal(err)
	}
	good := converted(t, dir, "F16", nil)
	passes(t, check(t, good, validate.Options{Against: dir}))
	bad := edited(t, good, nil, func(f *gguf.File) []gguf.Stream {
		all := fileStreams(f)
		for i, s := range all {
			if s.Name != "blk.1.ffn_down_exps.weight" {
				continue
			}
			all[i].ReadRows = func(ctx context.Context, dst []byte, first int64) error {
				if err := s.ReadRows(ctx, dst, first); err != nil {
					return err
				}
				expert := s.Shape[1] * s.RowBytes() // all are read at once
				for n := range expert {
					dst[n], dst[expert+n] = dst[expert+n], dst[n]
				}
				return nil
			}
		}
		return all
	})
	fails(t, check(t, bad, validate.Options{Against: dir, SkipLogits: true}), validate.Numbers, `"blk.1.ffn_down_exps.weight"`, fault.ErrCheck)
}

func TestFindsATruncatedVocabulary(t *testing.T) {
	good := converted(t, stories, "Q8_0", nil)
	bad := edited(t, good, func(kvs *gguf.KVs) {
		tokens, _ := kvs.Strings("tokenizer.ggml.tokens")
		kvs.Set("tokenizer.ggml.tokens", tokens[:1000])
	}, nil)
	fails(t, check(t, bad, validate.Options{}), validate.Vocabulary, "1000 tokens for the 1024 rows", fault.ErrCorrupt)

	// Cut to the same length everywhere, only ids and merges show it.
	bad = edited(t, good, func(kvs *gguf.KVs) {
		tokens, _ := kvs.Strings("tokenizer.ggml.tokens")
		types, _ := kvs.Get("tokenizer.ggml.token_type")
		kvs.Set("tokenizer.ggml.tokens", tokens[:1000])
		kvs.Set("tokenizer.ggml.token_type", types.([]int32)[:1000])
		kvs.Set("llama.vocab_size", uint32(1000))
	}, func(f *gguf.File) []gguf.Stream {
		all := fileStreams(f)
		for i := range all {
			if all[i].Name == "token_embd.weight" || all[i].Name == "output.weight" {
				all[i].Shape = []int64{all[i].Shape[0], 1000}
			}
		}
		return all
	})
	fails(t, check(t, bad, validate.Options{Against: stories}), validate.Numbers, `"token_embd.weight"`, fault.ErrCorrupt)
}
