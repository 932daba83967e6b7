package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/quantize"
)

const stories = "../testdata/stories-llama"

// convertWith converts with the proof at the end and one thing done between
// planning and writing.
func convertWith(t *testing.T, dir string, change func(*Job), kind string, kvs ...string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	o := Options{Out: path, Verify: true, Workers: 2}
	recipe, err := quantize.ParseRecipe(kind)
	if err != nil {
		t.Fatal(err)
	}
	o.Recipes = []quantize.Recipe{recipe}
	for _, text := range kvs {
		kv, err := quantize.ParseKVOverride(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Quantize.KVs = append(o.Quantize.KVs, kv)
	}
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	job, err := FromCheckpoint(t.Context(), ckpt, o)
	if err == nil {
		change(job)
		_, err = job.Run(t.Context())
	}
	if _, missing := os.Stat(path); (err == nil) == errors.Is(missing, fs.ErrNotExist) {
		t.Errorf("error %v, and the file: %v", err, missing)
	}
	return err
}

// whole reads all rows of a stream.
func whole(s gguf.Stream) ([]byte, error) {
	data := make([]byte, s.Size())
	return data, s.ReadRows(context.Background(), data, 0)
}

// rewrite changes the bytes of every tensor with such an end of its name.
func rewrite(end string, f func(s gguf.Stream, dst, src []byte)) func(*Job) {
	return func(p *Job) {
		for i, s := range p.in.streams {
			if !strings.HasSuffix(s.Name, end) {
				continue
			}
			p.in.streams[i].ReadRows = func(ctx context.Context, dst []byte, first int64) error {
				src, err := whole(s)
				if err != nil {
					return err
				}
				changed := make([]byte, len(src))
				f(s, changed, src)
				copy(dst, changed[first*s.RowBytes():])
				return nil
			}
		}
	}
}

// unpermuted puts the rows of each of some heads back into the order of the
// checkpoint.
func unpermuted(heads int64) func(*Job) {
	return rewrite("attn_q.weight", func(s gguf.Stream, dst, src []byte) {
		size, dim := s.RowBytes(), s.Rows()/heads
		for row := range s.Rows() {
			head, j := row/dim*dim, row%dim
			copy(dst[(head+j%2*dim/2+j/2)*size:], src[row*size:(row+1)*size])
		}
	})
}

// exchanged reads one tensor of each layer from another.
func exchanged(a, b string) func(*Job) {
	return func(p *Job) {
		for i, s := range p.in.streams {
			other := slices.IndexFunc(p.in.streams, func(o gguf.Stream) bool { return o.Name == strings.Replace(s.Name, a, b, 1) })
			if strings.Contains(s.Name, a) {
				p.in.streams[i].ReadRows, p.in.streams[other].ReadRows = p.in.streams[other].ReadRows, p.in.streams[i].ReadRows
			}
		}
	}
}

// swappedExperts exchanges the first two experts of the down projection.
var swappedExperts = rewrite("ffn_down_exps.weight", func(s gguf.Stream, dst, src []byte) {
	size := s.Size() / s.Shape[2]
	copy(dst, src)
	copy(dst, src[size:2*size])
	copy(dst[size:], src[:size])
})

// mapped changes every number of tensors in F32 or BF16.
func mapped(end string, f func(float64) float64) func(*Job) {
	return rewrite(end, func(s gguf.Stream, dst, src []byte) {
		for i := 0; s.Type == gguf.TypeBF16 && i < len(src); i += 2 {
			x := math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[i:])) << 16)
			binary.LittleEndian.PutUint16(dst[i:], uint16(math.Float32bits(float32(f(float64(x))))>>16))
		}
		for i := 0; s.Type == gguf.TypeF32 && i < len(src); i += 4 {
			x := math.Float32frombits(binary.LittleEndian.Uint32(src[i:]))
			binary.LittleEndian.PutUint32(dst[i:], math.Float32bits(float32(f(float64(x)))))
		}
	})
}

// divided takes a multiplier out of weights again.
func divided(end string, by float64) func(*Job) {
	return mapped(end, func(x float64) float64 { return x / by })
}

// noOffset takes the offset of 1 off norms again.
var noOffset = mapped("attn_norm.weight", func(x float64) float64 { return x - 1 })

// turnedBack stores the key matrices of latent attention as the checkpoint
// has them.
var turnedBack = rewrite("attn_k_b.weight", func(s gguf.Stream, dst, src []byte) {
	size := s.RowBytes() / s.Shape[0]
	columns, rows := s.Shape[0], s.Shape[1]
	for i := range s.Elements() {
		matrix, row, column := i/(rows*columns), i/columns%rows, i%columns
		copy(dst[(matrix*rows*columns+column*rows+row)*size:][:size], src[i*size:])
	}
})

// regrouped puts queries, keys and values back head by head.
func regrouped(heads int64) func(*Job) {
	return rewrite("attn_qkv.weight", func(s gguf.Stream, dst, src []byte) {
		size, dim := s.RowBytes(), s.Rows()/heads/3
		for row := range s.Rows() {
			part, head, j := row/(heads*dim), row/dim%heads, row%dim
			copy(dst[((head*3+part)*dim+j)*size:], src[row*size:(row+1)*size])
		}
	})
}

// shifted gives each position the vector of the next.
var shifted = rewrite("position_embd.weight", func(s gguf.Stream, dst, src []byte) {
	copy(dst, src[s.RowBytes():])
	copy(dst[int64(len(dst))-s.RowBytes():], src)
})

// drowned leaves the sinks of the attention's heads out.
var drowned = mapped("attn_sinks.weight", func(float64) float64 { return -1e9 })

// unscaledLayers leaves the scale of layers out.
var unscaledLayers = rewrite("layer_output_scale.weight", func(_ gguf.Stream, dst, _ []byte) {
	binary.LittleEndian.PutUint32(dst, math.Float32bits(1))
})

// inHalves takes gate and up projection for the halves of a matrix in which they
// take turns.
func inHalves(p *Job) {
	for i, gate := range p.in.streams {
		name, ok := strings.CutSuffix(gate.Name, "ffn_gate_exps.weight")
		if !ok {
			continue
		}
		j := slices.IndexFunc(p.in.streams, func(s gguf.Stream) bool { return s.Name == name+"ffn_up_exps.weight" })
		up, size, rows := p.in.streams[j], gate.RowBytes(), gate.Shape[1]
		for half, at := range []int{i, j} {
			p.in.streams[at].ReadRows = func(_ context.Context, dst []byte, first int64) error {
				g, err := whole(gate)
				if err != nil {
					return err
				}
				u, err := whole(up)
				if err != nil {
					return err
				}
				for k := range int64(len(dst)) / size {
					row := first + k
					both := int64(half)*rows + row%rows // within the expert
					src := [][]byte{g, u}[both%2][(row/rows*rows+both/2)*size:]
					copy(dst[k*size:(k+1)*size], src)
				}
				return nil
			}
		}
	}
}

// reversed filters with the oldest position for the newest.
func reversed(end string) func(*Job) {
	return rewrite(end, func(s gguf.Stream, dst, src []byte) {
		const size = 4
		taps := s.Shape[0]
		for i := range s.Elements() {
			copy(dst[(i/taps*taps+taps-1-i%taps)*size:][:size], src[i*size:])
		}
	})
}

// moved takes some rows of a matrix for those after them.
func moved(end string, from, count, behind int64) func(*Job) {
	return rewrite(end, func(s gguf.Stream, dst, src []byte) {
		size := s.RowBytes()
		copy(dst, src)
		copy(dst[from*size:], src[(from+count)*size:(from+count+behind)*size])
		copy(dst[(from+behind)*size:], src[from*size:(from+count)*size])
	})
}

func nothing(*Job) {}

// TestCheckFindsSeededFaults puts the classic faults of converters into true
// conversions, of random models and of a trained one, and demands that the
// check at the end finds each of them in files of every number of bits.
func TestCheckFindsSeededFaults(t *testing.T) {
	type fault struct {
		name   string
		change func(*Job)
		kvs    []string
	}
	fixtures := map[string]models.Fixture{}
	for _, f := range models.All(t) {
		fixtures[f.Name] = f
	}
	rope := func(name string) fault {
		return fault{"a wrong rope base", nothing, []string{name + ".rope.freq_base=float:25000"}}
	}
	gates := fault{"gate and up swapped", exchanged("ffn_gate.", "ffn_up."), nil}
	for _, model := range []struct {
		name   string
		faults []fault
	}{
		{"stories-llama", []fault{{"q unpermuted", unpermuted(4), nil}, gates, rope("llama")}},
		{"llama3.1", []fault{{"q unpermuted", unpermuted(6), nil}, gates, rope("llama")}},
		{"mixtral", []fault{{"experts swapped", swappedExperts, nil}, {"gate and up swapped", exchanged("ffn_gate_exps.", "ffn_up_exps."), nil}}},
		{"qwen3next", []fault{{"norms without their offset", noOffset, nil}, {"experts swapped", swappedExperts, nil}, rope("qwen3next")}},
		{"deepseek-v3", []fault{{"k_b not turned", turnedBack, nil}, {"experts swapped", swappedExperts, nil}, rope("deepseek2")}},
		{"deepseek-v2-lite", []fault{{"k_b not turned", turnedBack, nil}}},
		{"olmo", []fault{{"no clamp", nothing, []string{"olmo.attention.clamp_kqv=float:100"}}}},
		{"olmo2", []fault{{"norms after the parts swapped", exchanged("post_attention_norm.", "post_ffw_norm."), nil}}},
		{"granitemoe-shared", []fault{{"no scale of branches", nothing, []string{"granitemoe.residual_scale=float:1"}}, {"gate and up swapped", exchanged("ffn_gate_shexp.", "ffn_up_shexp."), nil}}},
		{"cohere2", []fault{{"no scale of logits", nothing, []string{"cohere2.logit_scale=float:1"}}, {"a window off by one", nothing, []string{"cohere2.attention.sliding_window=int:8"}}}},
		{"gptneox", []fault{{"one part after the other", nothing, []string{"gptneox.use_parallel_residual=bool:false"}}, {"queries and keys grouped by head", regrouped(3), nil}}},
		{"gpt-oss-bf16", []fault{
			{"sinks left out", drowned, nil}, {"gate and up in halves", inHalves, nil}, {"biases swapped", exchanged("ffn_gate_exps.bias", "ffn_up_exps.bias"), nil},
			{"a window off by one", nothing, []string{"gpt-oss.attention.sliding_window=int:9"}}, rope("gpt-oss"),
		}},
		{"gemma2-caps", []fault{
			{"no cap of scores", nothing, []string{"gemma2.attn_logit_softcapping=float:0"}}, {"no cap of logits", nothing, []string{"gemma2.final_logit_softcapping=float:0"}},
			{"another cap of scores", nothing, []string{"gemma2.attn_logit_softcapping=float:50"}}, {"norms after the parts swapped", exchanged("post_attention_norm.", "post_ffw_norm."), nil},
		}},
		{"embedding-gemma", []fault{
			{"a projection left out", nothing, []string{"gemma-embedding.dense_3_feat_out=int:0"}}, {"another pooling", nothing, []string{"gemma-embedding.pooling_type=int:2"}},
			{"a window off by one", nothing, []string{"gemma-embedding.attention.sliding_window=int:8"}}, rope("gemma-embedding"),
		}},
		{"minicpm3-long", []fault{
			{"keys below values", moved("blk.1.attn_kv_b.weight", 0, 12, 8), nil}, {"the divisors of long contexts in short ones", exchanged("rope_factors_short", "rope_factors_long"), nil}, rope("minicpm3"),
		}},
		{"chatglm", []fault{{"keys for values", moved("attn_qkv.weight", 48, 16, 16), nil}, {"every pair rotated", nothing, []string{"chatglm.rope.dimension_count=int:8"}}, rope("chatglm")}},
		{"mimo-v2", []fault{
			{"experts swapped", swappedExperts, nil}, {"sinks left out", drowned, nil}, {"values as they are", nothing, []string{"mimo2.attention.value_scale=float:1"}},
			{"a window off by one", nothing, []string{"mimo2.attention.sliding_window=int:8"}}, rope("mimo2"),
		}},
		{"step3.5", []fault{
			{"experts swapped", swappedExperts, nil}, {"norms without their offset", noOffset, nil}, {"gates of heads left out", mapped("attn_gate.weight", func(float64) float64 { return 0 }), nil},
			{"no limit of experts", nothing, []string{"step35.swiglu_clamp_exp=float:0"}}, {"no limit of shared experts", nothing, []string{"step35.swiglu_clamp_shexp=float:0"}},
			{"another divisor of pairs", mapped("rope_freqs.weight", func(float64) float64 { return 1 }), nil}, {"a window off by one", nothing, []string{"step35.attention.sliding_window=int:10"}},
			{"weights that do not sum to 1", nothing, []string{"step35.expert_weights_norm=bool:false"}}, {"another rotation in windows", nothing, []string{"step35.rope.freq_base_swa=float:5000000"}}, rope("step35"),
		}},
		{"phi3", []fault{{"gate below up", moved("ffn_up.weight", 0, 72, 72), nil}, {"keys for values", moved("attn_qkv.weight", 48, 16, 16), nil}, rope("phi3")}},
		{"glm4", []fault{{"gate below up", moved("ffn_up.weight", 0, 72, 72), nil}, {"norms after the parts swapped", exchanged("post_attention_norm.", "post_ffw_norm."), nil}}},
		{"afmoe", []fault{
			{"gates left out", mapped("attn_gate.weight", func(float64) float64 { return 0 }), nil}, {"norms after the parts swapped", exchanged("post_attention_norm.", "post_ffw_norm."), nil},
			{"no scale of experts", nothing, []string{"afmoe.expert_weights_scale=float:1"}}, {"a window off by one", nothing, []string{"afmoe.attention.sliding_window=int:8"}},
		}},
		{"granite", []fault{
			{"no scale of the embedding", nothing, []string{"granite.embedding_scale=float:1"}}, {"no scale of scores", nothing, []string{"granite.attention.scale=float:0"}},
			{"no scale of branches", nothing, []string{"granite.residual_scale=float:1"}}, {"no scale of logits", nothing, []string{"granite.logit_scale=float:1"}},
		}},
		{"mpt", []fault{{"another slope of positions", nothing, []string{"mpt.attention.max_alibi_bias=float:4"}}}},
		{"ministral3", []fault{{"no temperature", nothing, []string{"mistral3.attention.temperature_scale=float:0"}}}},
		{"gemma3", []fault{
			{"norms without their offset", noOffset, nil}, {"norms after the parts swapped", exchanged("post_attention_norm.", "post_ffw_norm."), nil}, rope("gemma3"),
		}},
		{"phimoe", []fault{
			{"experts swapped", swappedExperts, nil}, {"biases of keys left out", mapped("attn_k.bias", func(float64) float64 { return 0 }), nil},
			{"a rotation that does not grow", nothing, []string{"phimoe.rope.scaling.attn_factor=float:1"}}, rope("phimoe"),
		}},
		{"stablelm-2-12b", []fault{
			{"norms of other heads", moved("attn_q_norm.weight", 0, 1, 1), nil}, {"norms of other keys", moved("attn_k_norm.weight", 0, 1, 1), nil}, rope("stablelm"),
		}},
		{"gemma3n", []fault{
			{"projections of streams swapped", exchanged("altup_proj.", "altup_unembd_proj."), nil}, {"coefficients turned", exchanged("blk.0.altup_correct_coef.", "blk.1.altup_correct_coef."), nil},
			{"norms of branches swapped", exchanged("laurel_post_norm.", "post_attention_norm."), nil}, {"a window off by one", nothing, []string{"gemma3n.attention.sliding_window=int:9"}},
			{"no cap of logits", nothing, []string{"gemma3n.final_logit_softcapping=float:0"}}, rope("gemma3n"),
		}},
		{"gemma4-moe", []fault{
			{"norms after the parts swapped", exchanged("post_ffw_norm_1.", "post_ffw_norm_2."), nil}, {"what the router sees in place of what experts see", exchanged("ffn_gate_inp.scale", "pre_ffw_norm_2.weight"), nil},
			{"a window off by one", nothing, []string{"gemma4.attention.sliding_window=int:9"}}, rope("gemma4"),
		}},
		{"gemma4-e2b", []fault{{"no scale of layers", unscaledLayers, nil}, {"projections of layers swapped", exchanged("blk.0.inp_gate.", "blk.1.inp_gate."), nil}}},
		{"lfm2", []fault{
			{"a convolution backwards", reversed("shortconv.conv.weight"), nil}, {"gates swapped", moved("shortconv.in_proj.weight", 0, 48, 48), nil},
			{"the gate before for the one behind", moved("shortconv.in_proj.weight", 48, 48, 48), nil},
		}},
		{"mamba2", []fault{
			{"a convolution backwards", reversed("ssm_conv1d.weight"), nil}, {"B and C swapped", moved("ssm_in.weight", 144, 32, 32), nil},
			{"gate and inputs swapped", moved("ssm_in.weight", 0, 72, 72), nil}, {"decays as logarithms", mapped("ssm_a", func(x float64) float64 { return math.Log(-x) }), nil},
			{"no skip of the state", mapped("ssm_d", func(float64) float64 { return 0 }), nil}, {"no bias of time steps", mapped("ssm_dt.bias", func(float64) float64 { return 0 }), nil},
		}},
		{"granite4-dense", []fault{
			{"a convolution backwards", reversed("ssm_conv1d.weight"), nil}, {"decays as logarithms", mapped("ssm_a", func(x float64) float64 { return math.Log(-x) }), nil},
			{"inputs and B swapped", moved("ssm_in.weight", 96, 96, 24), nil}, {"attention that rotates", nothing, []string{"granitehybrid.rope.scaling.finetuned=bool:true"}},
			{"no scale of scores", nothing, []string{"granitehybrid.attention.scale=float:0"}}, {"gate and up swapped", exchanged("ffn_gate.", "ffn_up."), nil},
		}},
		{"falcon-h1-norm", []fault{
			{"a convolution backwards", reversed("ssm_conv1d.weight"), nil}, {"no multiplier of outputs", divided("attn_output.weight", 0.9375), nil},
			{"no multiplier of keys", divided("attn_k.weight", 0.390625), nil}, {"no multiplier of logits", divided("output.weight", 0.78125), nil},
			{"no multiplier of inputs of the state", divided("ssm_in.weight", 1.25), nil}, {"no bias of time steps", mapped("ssm_dt.bias", func(float64) float64 { return 0 }), nil},
		}},
		{"glm4moe", []fault{
			{"experts swapped", swappedExperts, nil}, {"no scale of experts", nothing, []string{"glm4moe.expert_weights_scale=float:1"}},
			{"every pair rotated", nothing, []string{"glm4moe.rope.dimension_count=int:12"}}, rope("glm4moe"),
		}},
		{"glm5", []fault{{"one key more is picked", nothing, []string{"glm-dsa.attention.indexer.top_k=int:13"}}, {"k_b not turned", turnedBack, nil}}},
		{"hunyuan", []fault{rope("hunyuan-dense")}},
		{"minimax-m2", []fault{{"every pair rotated", nothing, []string{"minimax-m2.rope.dimension_count=int:12"}}}},
		{"gpt2", []fault{{"positions of other tokens", shifted, nil}}},
		{"bert", []fault{{"positions of other tokens", shifted, nil}, {"norms after the sums swapped", exchanged("attn_output_norm.", "layer_output_norm."), nil}, {"another pooling", nothing, []string{"bert.pooling_type=int:1"}},
			{"positions before alone", nothing, []string{"bert.attention.causal=bool:true"}}}},
		{"xlm-roberta", []fault{{"positions of other tokens", shifted, nil}}},
		{"nomic-bert", []fault{gates, rope("nomic-bert")}},
		{"modern-bert", []fault{{"queries and keys grouped by head", regrouped(6), nil}, {"a window off by two", nothing, []string{"modern-bert.attention.sliding_window=int:18"}}, rope("modern-bert")}},
		{"bloom", []fault{{"queries and keys grouped by head", regrouped(6), nil}}},
	} {
		dir := stories
		if f, ok := fixtures[model.name]; ok {
			dir = f.Unpack(t)
		} else if model.name != "stories-llama" {
			t.Errorf("no fixture %s", model.name)
			continue
		}
		kinds := []string{"f32", "f16", "q8_0", "q6_k", "q4_k_m", "q3_k_m", "q2_k", "q1_0"}
		if testing.Short() {
			kinds = []string{"q4_k_m"}
		}
		for _, kind := range kinds {
			if kind == "q1_0" && dir != stories {
				continue // rows are too short for its blocks
			}
			for _, f := range brief.Of(append(model.faults, fault{name: "none", change: nothing}), 3) {
				t.Run(fmt.Sprint(model.name, " ", kind, " ", f.name), func(t *testing.T) {
					err := convertWith(t, dir, f.change, kind, f.kvs...)
					if f.name == "none" && err != nil || f.name != "none" && !isCheck(err) {
						t.Errorf("error %v", err)
					}
				})
			}
		}
	}
}

func isCheck(err error) bool {
	return errors.Is(err, fault.ErrCheck) && (strings.Contains(err.Error(), "does not match its source") || strings.Contains(err.Error(), "would not pass its validation")) && !errors.Is(err, context.Canceled)
}

// TestStoriesHasTheHeadsAssumed holds the number above to the model.
func TestStoriesHasTheHeadsAssumed(t *testing.T) {
	ckpt, err := hf.Open(t.Context(), stories)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	h, err := arch.FromConfig(ckpt.Config())
	if err != nil || h.Heads != 4 {
		t.Errorf("%d heads, %v", h.Heads, err)
	}
}
