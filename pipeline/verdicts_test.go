package pipeline

import (
	"context"
	"encoding/binary"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/validate"
	"github.com/f190792d/mq/validate/template"
)

// seeded is a fault of a file, as a wrong converter would make it.
type seeded struct {
	change func(in *input)
	alone  bool   // shows in the file by itself
	says   string // what is said of it
	warns  string // what is said of it without a source
}

// setKV changes a key-value.
func setKV(key string, value any) func(*input) {
	return func(in *input) {
		in.kvs = in.kvs.Clone()
		in.kvs.Set(key, value)
	}
}

// dropKV leaves a key-value out.
func dropKV(key string) func(*input) {
	return func(in *input) {
		in.kvs = in.kvs.Clone()
		in.kvs.Delete(key)
	}
}

// tensor changes the whole data of one tensor.
func tensor(name string, f func(in *input, data []byte) []byte) func(*input) {
	return func(in *input) {
		i := slices.IndexFunc(in.streams, func(s gguf.Stream) bool { return s.Name == name })
		s := in.streams[i]
		before := *in
		before.streams = slices.Clone(in.streams)
		in.streams[i].ReadRows = func(_ context.Context, dst []byte, first int64) error {
			data, err := whole(s)
			if err == nil {
				copy(dst, f(&before, data)[first*s.RowBytes():])
			}
			return err
		}
	}
}

// of reads another tensor of the source.
func of(name string) func(in *input, _ []byte) []byte {
	return func(in *input, data []byte) []byte {
		for _, s := range in.streams {
			if s.Name == name {
				data, _ = whole(s)
			}
		}
		return data
	}
}

func firstTokens(n int) func(*input) {
	return func(in *input) {
		in.kvs = in.kvs.Clone()
		tokens, _ := in.kvs.Strings("tokenizer.ggml.tokens")
		in.kvs.Set("tokenizer.ggml.tokens", tokens[:n])
	}
}

var seededFaults = map[string]seeded{
	"none": {change: func(*input) {}},

	// Structure: both see it, with and without the source.
	"fewer tokens than rows":     {change: firstTokens(1000), alone: true, says: "1000 tokens for the 1024 rows"},
	"three sections":             {change: setKV("llama.rope.dimension_sections", []int32{8, 12, 12}), alone: true, says: "it has 3 entries and should have 4"},
	"head counts of two layers":  {change: setKV("llama.attention.head_count_kv", []int32{2, 2}), alone: true, says: "llama.attention.head_count_kv"},
	"no context length":          {change: dropKV("llama.context_length"), alone: true, says: "llama.context_length"},
	"no block count":             {change: dropKV("llama.block_count"), alone: true, says: "block_count"},
	"a type that loaders refuse": {change: setKV("llama.embedding_length", int32(256)), alone: true, says: "should be of type uint32"},
	"an id beyond the tokens":    {change: setKV("tokenizer.ggml.eos_token_id", uint32(70000)), alone: true, says: "token 70000"},
	"a merge of unknown tokens":  {change: setKV("tokenizer.ggml.merges", []string{"zzzz qqqq"}), alone: true, says: "is not a token"},
	"a template left open":       {change: setKV("tokenizer.chat_template", "{% if x %}"), alone: true, says: "endif"},
	"no vocabulary":              {change: dropKV("tokenizer.ggml.tokens"), alone: true, says: "tokenizer.ggml.tokens"},
	"not a number":               {change: tensor("blk.1.ffn_up.weight", poison), alone: true, says: "blk.1.ffn_up.weight"},

	// Of the source: it shows beside it only.
	"another rope base":           {change: setKV("llama.rope.freq_base", float32(25000)), says: "ope"},
	"another epsilon":             {change: setKV("llama.attention.layer_norm_rms_epsilon", float32(1e-3)), says: "ps"},
	"another head count":          {change: setKV("llama.attention.head_count_kv", uint32(1)), alone: true, says: ""},
	"another token":               {change: renameToken, says: "tokenizer.ggml.tokens"},
	"gate and up exchanged":       {change: both(tensor("blk.0.ffn_gate.weight", of("blk.0.ffn_up.weight")), tensor("blk.0.ffn_up.weight", of("blk.0.ffn_gate.weight"))), says: "blk.0.ffn_"},
	"a matrix of zeros":           {change: tensor("blk.1.ffn_up.weight", func(_ *input, data []byte) []byte { return make([]byte, len(data)) }), says: "blk.1.ffn_up.weight", warns: "values are 0"},
	"a layer that is a copy":      {change: tensor("blk.2.attn_output.weight", of("blk.1.attn_output.weight")), says: "blk.2.attn_output.weight", warns: "it is a copy of blk.1.attn_output.weight"},
	"norms of another layer":      {change: tensor("blk.2.attn_norm.weight", of("blk.0.attn_norm.weight")), says: "blk.2.attn_norm.weight"},
	"one value in every row":      {change: tensor("blk.3.ffn_gate.weight", constantRows), says: "blk.3.ffn_gate.weight", warns: "have one value throughout"},
	"norms one too large":         {change: tensor("blk.0.ffn_norm.weight", plusOne), says: "blk.0.ffn_norm.weight"},
	"a matrix of half the values": {change: tensor("blk.0.attn_v.weight", halved), says: "blk.0.attn_v.weight"},
}

func both(a, b func(*input)) func(*input) {
	return func(in *input) {
		old := *in
		old.streams = slices.Clone(in.streams)
		second := old
		second.streams = slices.Clone(in.streams)
		a(&old)
		b(&second)
		for i := range in.streams {
			if in.streams[i].Name == "blk.0.ffn_gate.weight" {
				in.streams[i] = old.streams[i]
			} else {
				in.streams[i] = second.streams[i]
			}
		}
	}
}

func poison(_ *input, data []byte) []byte {
	binary.LittleEndian.PutUint16(data[1000:], 0x7fc0) // of BF16
	return data
}

func constantRows(in *input, data []byte) []byte {
	for i := 0; i < len(data); i += 2 {
		binary.LittleEndian.PutUint16(data[i:], 0x3c23)
	}
	return data
}

func plusOne(_ *input, data []byte) []byte {
	for i := 0; i < len(data); i += 4 {
		x := math.Float32frombits(binary.LittleEndian.Uint32(data[i:]))
		binary.LittleEndian.PutUint32(data[i:], math.Float32bits(x+1))
	}
	return data
}

func halved(_ *input, data []byte) []byte {
	for i := 0; i < len(data); i += 2 {
		if exponent := binary.LittleEndian.Uint16(data[i:]); exponent>>7&0xff > 1 {
			binary.LittleEndian.PutUint16(data[i:], exponent-1<<7)
		}
	}
	return data
}

func renameToken(in *input) {
	in.kvs = in.kvs.Clone()
	tokens, _ := in.kvs.Strings("tokenizer.ggml.tokens")
	tokens = slices.Clone(tokens)
	tokens[600], tokens[601] = tokens[601], tokens[600]
	in.kvs.Set("tokenizer.ggml.tokens", tokens)
}

// TestConversionKeepsWhatValidationPasses runs each fault through both: the
// conversion keeps a file exactly where the validation of the same file does
// not fail, and both name the cause.
func TestConversionKeepsWhatValidationPasses(t *testing.T) {
	for _, name := range brief.Of(slices.Sorted(maps.Keys(seededFaults)), 4) {
		f := seededFaults[name]
		for _, verify := range []bool{true, false} {
			label := name + "/by itself"
			if verify {
				label = name + "/with its source"
			}
			t.Run(label, func(t *testing.T) {
				converted := convertSeeded(t, f.change, verify)
				validated := validateSeeded(t, f.change, verify)
				if converted.failed != validated.failed {
					t.Fatalf("conversion: %s\nvalidation: %s", converted.text, validated.text)
				}
				if converted.warnings != validated.warnings || !verify && !strings.Contains(converted.warnings, f.warns) {
					t.Errorf("conversion warns: %s\nvalidation warns: %s\nwant: %s", converted.warnings, validated.warnings, f.warns)
				}
				if want := name != "none" && (f.alone || verify); converted.failed != want {
					t.Errorf("failed: %v, want %v: %s", converted.failed, want, converted.text)
				} else if want {
					for _, text := range []string{converted.text, validated.text} {
						if !strings.Contains(text, f.says) {
							t.Errorf("%q does not say %q", text, f.says)
						}
					}
				}
			})
		}
	}
}

// outcome is a verdict with what is said.
type outcome struct {
	failed   bool
	text     string
	warnings string // of a file that passes
}

// passed is the outcome of a file that was not failed.
func passed(r *validate.Report) (o outcome) {
	for _, f := range r.Findings {
		if f.Severity == validate.Warning {
			o.warnings += f.String() + "\n"
		}
	}
	return o
}

// open plans the conversion of the test model as far as the types do not
// matter, with a change.
func openSeeded(t *testing.T, change func(*input), o Options) *input {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), stories)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	in, err := fromCheckpoint(t.Context(), ckpt, o)
	if err != nil {
		t.Fatal(err)
	}
	in.streams = slices.Clone(in.streams)
	change(in)
	return in
}

func convertSeeded(t *testing.T, change func(*input), verify bool) outcome {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	o, err := Options{Out: path, Verify: verify, Render: template.Render, Lint: template.Lint}.complete()
	if err != nil {
		t.Fatal(err)
	}
	job, err := newJob(t.Context(), openSeeded(t, change, o), o)
	var report *Report
	if err == nil {
		report, err = job.Run(t.Context())
	}
	_, missing := os.Stat(path)
	if (err == nil) != (missing == nil) {
		t.Errorf("error %v, and the file: %v", err, missing)
	}
	if err != nil {
		return outcome{failed: true, text: err.Error()}
	}
	return passed(report.Outputs[0].Checked)
}

// validateSeeded writes the same file without a look at it, and validates it.
func validateSeeded(t *testing.T, change func(*input), verify bool) outcome {
	t.Helper()
	o, err := Options{}.complete()
	if err != nil {
		t.Fatal(err)
	}
	in := openSeeded(t, change, o)
	plan, err := gguf.NewPlan(in.kvs, in.infos)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := plan.WriteFrame(file); err != nil {
		t.Fatal(err)
	}
	for i, s := range in.streams {
		data := make([]byte, s.Size())
		if err := s.ReadRows(t.Context(), data, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := plan.TensorWriter(file, i).WriteAt(data, 0); err != nil {
			t.Fatal(err)
		}
	}
	v := validate.Options{Render: template.Render, Lint: template.Lint}
	if verify {
		v.Against = stories
	}
	r, err := validate.File(t.Context(), path, v)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		var all []string
		for _, f := range r.Findings {
			all = append(all, f.String())
		}
		return outcome{failed: true, text: err.Error() + "\n" + strings.Join(all, "\n")}
	}
	return passed(r)
}
