package refine

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/quantize"
)

// prepare is prepareAny for rows that fit a type.
func prepare(t *testing.T, dir, recipe string) *trial {
	t.Helper()
	one := prepareAny(t, dir, recipe)
	if one == nil {
		t.Skip("no type fits")
	}
	return one
}

// trial is a checkpoint and a quantized file of it.
type trial struct {
	ckpt    *hf.Checkpoint
	plan    *quantize.Plan
	streams []gguf.Stream
	path    string
}

func prepareAny(t *testing.T, dir, recipe string) *trial {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	p, err := convert.NewPlan(t.Context(), ckpt, convert.Options{Type: convert.Auto, ForQuantizer: true})
	if err != nil {
		t.Fatal(err)
	}
	var infos []gguf.TensorInfo
	for _, s := range p.Streams {
		infos = append(infos, s.TensorInfo)
	}
	r, err := quantize.ParseRecipe(recipe)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := quantize.NewPlan(p.KVs, infos, quantize.Options{Recipe: r, Pure: true, AllowRequantize: true})
	if err != nil { // rows that no type fits
		return nil
	}
	one := &trial{ckpt, plan, p.Streams, filepath.Join(t.TempDir(), "model.gguf")}
	f, err := os.Create(one.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := quantize.Run(t.Context(), p.Streams, []quantize.Output{{Plan: plan, Files: []io.WriterAt{f}}}, quantize.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	return one
}

// refined runs a refinement of a copy of the file and returns its bytes.
func (one *trial) refined(t *testing.T, workers int, chunks [][]int32, scratch Scratch) ([]Outcome, []byte) {
	t.Helper()
	job, path := one.job(t, workers, chunks)
	job.Scratch = scratch
	outcomes, err := Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes, data
}

// job is a refinement of a copy of the file.
func (one *trial) job(t *testing.T, workers int, chunks [][]int32) (job Job, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "refined.gguf")
	data, err := os.ReadFile(one.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	how := forward.Options{Run: forward.Run{Workers: workers}, Expressible: true}
	source, err := forward.FromCheckpoint(t.Context(), one.ckpt, how)
	if err != nil {
		t.Fatal(err)
	}
	model, err := forward.FromGGUF(t.Context(), file, how)
	if err != nil {
		t.Fatal(err)
	}
	job = Job{Source: source, File: model, Chunks: chunks, Workers: workers}
	for _, c := range one.plan.Tensors {
		typ, _ := quantize.ByID(c.Info.Type)
		if typ.Grid == nil || !c.Converts() {
			continue
		}
		stream := one.streams[c.Source]
		from, _ := quantize.ByID(stream.Type)
		info, _ := file.Lookup(c.Info.Name)
		row := info.RowBytes()
		x := Tensor{Name: info.Name, Type: typ, Rows: int(info.Shape[1]), Columns: int(info.Columns()), Matrices: 1}
		if len(info.Shape) > 2 {
			x.Matrices = int(info.Shape[2])
		}
		x.Weights = func(ctx context.Context, dst []float32, first int) error {
			raw := make([]byte, int64(len(dst)/x.Columns)*stream.RowBytes())
			err := stream.ReadRows(ctx, raw, int64(first))
			from.Dequantize(dst, raw)
			return err
		}
		x.Load = func(ctx context.Context, dst []byte, first int) error {
			_, err := file.ReadTensorAt(ctx, info, dst, int64(first)*row)
			return err
		}
		x.Store = func(data []byte, first int) error {
			_, err := out.WriteAt(data, file.DataOffset(0)+info.Offset+int64(first)*row)
			return err
		}
		job.Tensors = append(job.Tensors, x)
	}
	return job, path
}

// drawn draws chunks of tokens.
func drawn(count, length, vocabulary int) [][]int32 {
	random := rand.New(rand.NewPCG(1, 2))
	chunks := make([][]int32, count)
	for i := range chunks {
		chunks[i] = make([]int32, length)
		for j := range chunks[i] {
			chunks[i][j] = int32(random.IntN(min(vocabulary, 250)))
		}
	}
	return chunks
}

// TestEveryFamilyIsRefined: on text that is held back, no matrix of no family
// gets worse, and their errors fall.
func TestEveryFamilyIsRefined(t *testing.T) {
	refined := 0
	for i, f := range models.All(t) {
		if testing.Short() && i%8 != 0 {
			continue // races are the same in every family
		}
		t.Run(f.Name, func(t *testing.T) {
			one := prepare(t, f.Unpack(t), "Q4_0")
			outcomes, data := one.refined(t, 2, drawn(60, 24, 250), nil)
			ratio := 0.0
			for _, o := range outcomes {
				if !(o.After <= o.Before) || !(o.Strength >= 0 && o.Strength <= 1) || o.Kept > o.Rows {
					t.Errorf("%+v", o)
				}
				if o.Before > 0 {
					ratio += o.After / o.Before / float64(len(outcomes))
				}
			}
			if len(outcomes) == 0 {
				t.Skip("no rows fit a type with a grid")
			}
			refined++
			if tied(one.plan) && !slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.Tensor == embedding }) {
				t.Error("the embedding, which gives the logits too, was left alone")
			}
			if ratio > 0.985 { // of random weights less is surely gained than of trained ones
				t.Errorf("%d matrices have %.2f of their errors left", len(outcomes), ratio)
			}
			before, err := os.ReadFile(one.path)
			if err != nil || len(before) != len(data) || bytes.Equal(before, data) {
				t.Errorf("a file of %d bytes has %d now (%v)", len(before), len(data), err)
			}
		})
	}
	if refined < 10 && !testing.Short() {
		t.Errorf("only %d families were refined", refined)
	}
}

// tied reports whether the embedding gives the logits, and has a grid.
func tied(p *quantize.Plan) bool {
	is := false
	for _, c := range p.Tensors {
		typ, _ := quantize.ByID(c.Info.Type)
		switch c.Info.Name {
		case "output.weight", "cls.output.weight", "output_hc_fn.weight":
			return false
		case embedding:
			is = typ.Grid != nil
		}
	}
	return is
}

// TestHowItRunsDoesNotChangeBytes: neither the number of workers does, nor where
// the residual streams are.
func TestHowItRunsDoesNotChangeBytes(t *testing.T) {
	compared, wanted, texts := 0, 3, 100
	if testing.Short() {
		wanted, texts = 1, 20
	}
	for _, f := range models.All(t) {
		if compared == wanted {
			break
		}
		one := prepare(t, f.Unpack(t), "Q4_0")
		chunks := drawn(texts, 24, 250)
		outcomes, want := one.refined(t, 1, chunks, nil)
		if len(outcomes) > 0 {
			compared++
		}
		if _, got := one.refined(t, 5, chunks, nil); !bytes.Equal(got, want) {
			t.Errorf("%s: five workers give other bytes than one", f.Name)
		}
		scratch, err := os.Create(filepath.Join(t.TempDir(), "streams"))
		if err != nil {
			t.Fatal(err)
		}
		defer scratch.Close()
		if _, got := one.refined(t, 2, chunks, scratch); !bytes.Equal(got, want) {
			t.Errorf("%s: streams in a file give other bytes", f.Name)
		}
	}
}

// TestTheLastProductEndsTheStep: what the file's stream is after a part of a
// layer does not depend on whether it runs, or its last product is added.
func TestTheLastProductEndsTheStep(t *testing.T) {
	ended, folders := [3]int{}, []string{"../testdata/stories-llama"}
	for i, f := range models.All(t) {
		if !testing.Short() || i%8 == 0 {
			folders = append(folders, f.Unpack(t))
		}
	}
	for _, folder := range folders {
		one := prepareAny(t, folder, "Q4_0")
		if one == nil {
			continue
		}
		job, _ := one.job(t, 2, drawn(4, 24, 250))
		w := newWalk(job)
		if !w.passable {
			continue
		}
		for i, s := range w.steps()[:3] { // the first layer has one part or two
			if i > 0 && endsTheStep(t, w, s, folder) {
				ended[i]++
			} else if err := w.pass(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if (ended[1] < 3 || ended[2] < 3) && !testing.Short() {
		t.Errorf("only in %v families a product ends the part of a layer", ended)
	}
}

// endsTheStep takes a step, if a product ends it, with that and by running it.
func endsTheStep(t *testing.T, w *walk, s step, name string) bool {
	t.Helper()
	stages, err := w.stages(t.Context(), s)
	if err != nil || len(stages) == 0 || !stages[len(stages)-1].ends {
		return false
	}
	last := stages[len(stages)-1]
	if _, err := w.collect(t.Context(), s, last, 0, 1, true); err != nil {
		t.Fatal(err)
	}
	w.ahead = true
	if err := w.end(t.Context(), last.tensors[0]); err != nil {
		t.Fatal(err)
	}
	g := &w.groups[0]
	want, err := w.stream(g, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(t.Context(), w.File, g, want); err != nil {
		t.Fatal(err)
	}
	if err := w.pass(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	got, err := w.stream(g, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range want {
		if d := float64(got[i] - v); d > 1e-4 || d < -1e-4 {
			t.Errorf("%s: element %d is %v, and %v where the part runs", name, i, got[i], v)
			break
		}
	}
	return true
}
