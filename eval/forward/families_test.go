package forward

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
)

// TestFamiliesEqualTransformers runs the checkpoint of every family.
func TestFamiliesEqualTransformers(t *testing.T) {
	for _, f := range models.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			m := open(t, f.Unpack(t))
			for i, p := range f.Prompts {
				checkFamily(t, m, i, p)
			}
		})
	}
}

// TestConvertedFamiliesEqualTransformers runs what the converter makes of the
// checkpoint of every family. Where the file cannot express all of the model,
// it is held to the checkpoint without that.
func TestConvertedFamiliesEqualTransformers(t *testing.T) {
	for _, f := range models.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			dir, path := f.Unpack(t), filepath.Join(t.TempDir(), "model.gguf")
			convertTo(t, dir, path, convert.F32)
			m := open(t, path)
			ckpt, err := hf.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			defer ckpt.Close()
			source, err := FromCheckpoint(t.Context(), ckpt, Options{Expressible: true})
			if err != nil {
				t.Fatal(err)
			}
			lost := 0
			for _, loss := range arch.Losses(ckpt.Config(), source.Hyper()) {
				if loss.Text != "" && loss.Patch != nil {
					lost++
				}
			}
			for i, p := range f.Prompts {
				if lost == 0 {
					checkFamily(t, m, i, p)
					continue
				}
				got, want := logits(t, m, p.Tokens), logits(t, source, p.Tokens)
				for j, w := range want {
					if !(math.Abs(float64(got[j]-w)) <= 1e-3) {
						t.Fatalf("prompt %d: logit %d is %v, and %v from the checkpoint", i, j, got[j], w)
					}
				}
			}
		})
	}
}

// checkFamily compares logits with those of transformers: within a thousandth
// of their range, and the same token on top at every position.
func checkFamily(t *testing.T, m *Model, prompt int, p models.Prompt) {
	t.Helper()
	if m.Vocabulary() == 0 {
		checkEncoder(t, m, prompt, p)
		return
	}
	got, want, vocab := logits(t, m, p.Tokens), p.Logits(t), m.Vocabulary()
	if len(want) != vocab*len(p.Positions) {
		t.Fatalf("prompt %d: vocabulary of %d, transformers has %d", prompt, vocab, len(want)/len(p.Positions))
	}
	low, high, worst, where := math.Inf(1), math.Inf(-1), 0.0, 0
	for row, position := range p.Positions {
		for j, w := range want[row*vocab : (row+1)*vocab] {
			low, high = min(low, float64(w)), max(high, float64(w))
			if d := math.Abs(float64(got[position*vocab+j] - w)); !(d <= worst) {
				worst, where = d, position
			}
		}
	}
	t.Logf("prompt %d: largest difference %.1e of the range", prompt, worst/(high-low))
	if !(worst <= 1e-3*(high-low)) {
		t.Errorf("prompt %d: logits differ by %.2g of their range at position %d", prompt, worst/(high-low), where)
	}
	for i, want := range p.Top {
		row, best := got[i*vocab:(i+1)*vocab], 0
		for j, v := range row {
			if v > row[best] {
				best = j
			}
		}
		if best != want || math.Abs(float64(row[best])-p.Max[i]) > 1e-3*(high-low) {
			t.Errorf("prompt %d: position %d prefers token %d with %v, not %d with %v", prompt, i, best, row[best], want, p.Max[i])
			break
		}
	}
}

// checkEncoder compares states and the embedding with those of transformers:
// within a ten thousandth, of states of their range.
func checkEncoder(t *testing.T, m *Model, prompt int, p models.Prompt) {
	t.Helper()
	states, err := m.States(t.Context(), p.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	var at []float32
	for _, position := range p.Positions {
		at = append(at, states[position*m.Width():(position+1)*m.Width()]...)
	}
	embedding, err := m.Pool(t.Context(), states)
	if err == nil && m.Pools() {
		if embedding, err = m.Embed(t.Context(), p.Tokens); err != nil {
			t.Fatal(err)
		}
	}
	want := p.Embedding(t)
	if !m.Pools() {
		embedding, want = nil, nil
	}
	for what, pair := range map[string][2][]float32{"states": {at, p.States(t)}, "embedding": {embedding, want}} {
		worst, limit := 0.0, 1e-4
		if what == "states" {
			limit *= float64(slices.Max(pair[1]) - slices.Min(pair[1]))
		}
		for i, w := range pair[1] {
			worst = max(worst, math.Abs(float64(pair[0][i]-w)))
		}
		t.Logf("prompt %d: %s: largest difference %.1e, limit %.1e", prompt, what, worst, limit)
		if len(pair[0]) != len(pair[1]) || !(worst <= limit) {
			t.Errorf("prompt %d: %s of %d elements differ by %.2g from the %d of transformers", prompt, what, len(pair[0]), worst, len(pair[1]))
		}
	}
}
