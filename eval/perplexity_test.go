package eval

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

// parrot is a model whose logits depend on the last token alone.
type parrot struct {
	vocab  int
	tilt   float64
	broken bool
}

func (p parrot) Vocabulary() int { return p.vocab }
func (p parrot) Name() string    { return "parrot" }

func (p parrot) row(token int32) []float32 {
	row := make([]float32, p.vocab)
	for i := range row {
		row[i] = float32(math.Sin(float64(i*7+int(token)*13)) * p.tilt)
		if p.broken {
			row[i] = float32(math.NaN())
		}
	}
	return row
}

// Batch hands rows out in pieces of three.
func (p parrot) Batch(_ context.Context, sequences [][]int32, from int, emit func(sequence, position int, logits []float32) error) error {
	for i, s := range sequences {
		for at := from; at < len(s); at += 3 {
			var rows []float32
			for _, token := range s[at:min(at+3, len(s))] {
				rows = append(rows, p.row(token)...)
			}
			if err := emit(i, at, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// LogProbs is the definition, too.
func (p parrot) LogProbs(_ context.Context, sequences [][]int32, from int) ([][]float64, error) {
	result := make([][]float64, len(sequences))
	for i, s := range sequences {
		for at := from; at+1 < len(s); at++ {
			result[i] = append(result[i], -p.likelihood(s[at], s[at+1]))
		}
	}
	return result, nil
}

// likelihood is the definition, in float64.
func (p parrot) likelihood(token, next int32) float64 {
	row, sum := p.row(token), 0.0
	for _, v := range row {
		sum += math.Exp(float64(v))
	}
	return math.Log(sum) - float64(row[next])
}

func numbers(n, vocab int) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32(i * i % vocab)
	}
	return tokens
}

func TestPerplexityIsThatOfTheSecondHalfOfEachChunk(t *testing.T) {
	p := parrot{vocab: 50, tilt: 2}
	tokens := numbers(107, 50)
	c := Chunking{Context: 10, BOS: 3, AddBOS: true}
	sum, sum2, n := 0.0, 0.0, 0
	for chunk := range 10 {
		for position := 5; position < 9; position++ {
			v := p.likelihood(tokens[chunk*10+position], tokens[chunk*10+position+1])
			sum, sum2, n = sum+v, sum2+v*v, n+1
		}
	}
	mean := sum / float64(n)
	want := math.Exp(mean)
	wantErr := want * math.Sqrt((sum2/float64(n)-mean*mean)/float64(n-1))
	for _, batch := range []int{1, 10, 35, 1000} {
		c.Batch = batch
		last := int64(0)
		got, err := MeasurePerplexity(context.Background(), p, tokens, c, func(s progress.Report, soFar Perplexity) {
			if s.Done != last+1 || s.Total != 10 || int64(soFar.Tokens) != 4*s.Done {
				t.Errorf("step %+v after %d", s, last)
			}
			last = s.Done
		})
		if err != nil || last != 10 || got.Tokens != n || got.Chunks != 10 {
			t.Fatalf("batch %d: %+v after %d steps, %v", batch, got, last, err)
		}
		if math.Abs(got.Value-want) > 1e-5 || math.Abs(got.Error-wantErr) > 1e-5 {
			t.Errorf("batch %d: %v ± %v, want %v ± %v", batch, got.Value, got.Error, want, wantErr)
		}
	}
}

func TestEachChunkBeginsWithBOS(t *testing.T) {
	c := Chunking{Context: 4, BOS: 9, AddBOS: true}
	tokens := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}
	in := c.inputs(tokens, 0, 2)
	if in[0][0] != 9 || in[1][0] != 9 || in[1][1] != 5 || tokens[4] != 4 {
		t.Errorf("inputs %v, tokens %v", in, tokens)
	}
}

func TestStridedPerplexityScoresEveryTokenBehindTheFirstWindowOnce(t *testing.T) {
	p := parrot{vocab: 50, tilt: 2}
	tokens := numbers(50, 50)
	got, err := MeasureStrided(context.Background(), p, tokens, 4, Chunking{Context: 10}, nil)
	sum := 0.0
	for i := 6; i < 46; i++ {
		sum += p.likelihood(tokens[i-1], tokens[i])
	}
	if want := math.Exp(sum / 40); err != nil || got.Tokens != 40 || math.Abs(got.Value-want) > 1e-5 {
		t.Errorf("%+v, %v, want %v over 40 tokens", got, err, want)
	}
}

func TestDivergenceByDefinition(t *testing.T) {
	base, model := parrot{vocab: 40, tilt: 2}, parrot{vocab: 40, tilt: 1.5}
	tokens := numbers(64, 40)
	c := Chunking{Context: 16, Batch: 32}
	got, err := MeasureDivergence(context.Background(), base, model, tokens, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kld, top, delta2, worst float64
	n := 0
	for chunk := range 4 {
		for position := 8; position < 15; position++ {
			token, next := tokens[chunk*16+position], tokens[chunk*16+position+1]
			sum := 0.0
			for i := range int32(40) {
				lp := -base.likelihood(token, i)
				sum += math.Exp(lp) * (lp + model.likelihood(token, i))
			}
			d := math.Exp(-model.likelihood(token, next)) - math.Exp(-base.likelihood(token, next))
			kld, delta2, worst = kld+sum, delta2+d*d, max(worst, sum)
			if argmax(base.row(token)) == argmax(model.row(token)) {
				top++
			}
			n++
		}
	}
	for _, v := range []struct {
		name      string
		got, want float64
	}{
		{"tokens", float64(got.Tokens), float64(n)}, {"kld", got.KLD.Value, kld / float64(n)}, {"largest kld", got.KLDs.Max, worst},
		{"same top", got.SameTop.Value, top / float64(n)}, {"rms", got.RMSDelta.Value, math.Sqrt(delta2 / float64(n))},
		{"ratio", got.Ratio.Value, got.Perplexity.Value / got.Base.Value}, {"difference", got.Difference.Value, got.Perplexity.Value - got.Base.Value},
	} {
		if math.Abs(v.got-v.want) > 1e-5 {
			t.Errorf("%s %v, want %v", v.name, v.got, v.want)
		}
	}
	same, err := MeasureDivergence(context.Background(), base, base, tokens, c, nil)
	if err != nil || math.Abs(same.KLD.Value) > 1e-12 || same.SameTop.Value != 1 || math.Abs(same.Correlation-1) > 1e-9 {
		t.Errorf("a model diverges from itself: %+v, %v", same, err)
	}
}

func TestRejectsTextsAndModelsThatCannotBeMeasured(t *testing.T) {
	ctx, p := context.Background(), parrot{vocab: 50, tilt: 1}
	if _, err := MeasurePerplexity(ctx, p, numbers(19, 50), Chunking{Context: 10}, nil); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("short text: %v", err)
	}
	if _, err := MeasurePerplexity(ctx, p, numbers(19, 50), Chunking{Context: 2}, nil); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("small context: %v", err)
	}
	if _, err := MeasureDivergence(ctx, p, parrot{vocab: 49}, numbers(40, 49), Chunking{Context: 10}, nil); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("other vocabulary: %v", err)
	}
	if _, err := MeasurePerplexity(ctx, parrot{vocab: 50, broken: true}, numbers(40, 50), Chunking{Context: 10}, nil); !errors.Is(err, fault.ErrCheck) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := Compare(ctx, p, parrot{vocab: 50, broken: true}, numbers(5, 50)); !errors.Is(err, fault.ErrCheck) {
		t.Errorf("NaN: %v", err)
	}
}

func TestComparisonFindsADifference(t *testing.T) {
	m, tok := storiesWithTokenizer(t)
	tokens := prompt(t, tok)
	if len(tokens) < 100 {
		t.Fatalf("the prompt has only %d tokens", len(tokens))
	}
	a, err := Compare(context.Background(), m, m, tokens)
	if err != nil || a.Tokens != len(tokens) || math.Abs(a.Top1-1) > 1e-9 || math.Abs(a.MeanKLD) > 1e-12 {
		t.Errorf("a model differs from itself: %+v, %v", a, err)
	}
	p := parrot{vocab: m.Vocabulary(), tilt: 1}
	if a, err = Compare(context.Background(), m, p, tokens); err != nil || a.MeanKLD < 1 || a.MaxKLD < a.MeanKLD || a.Top1 > .5 {
		t.Errorf("a parrot passes for a model: %+v, %v", a, err)
	}
}

func TestPerplexityOfTheReference(t *testing.T) {
	m := openModel(t, "../testdata/stories-llama")
	tokens, c := heldOut(t, m)
	got, err := MeasurePerplexity(context.Background(), m, tokens, c, nil)
	want := readReferences(t)["F32"].PPL
	if err != nil || math.Abs(got.Value/want-1) > 1e-3 {
		t.Errorf("perplexity %v, %v, want %v", got.Value, err, want)
	}
}

func TestGreedyGenerationTakesTheMostLikelyToken(t *testing.T) {
	m, tok := storiesWithTokenizer(t)
	prompt := encoded(t, tok, "Once upon a time", tokenizer.Options{AddSpecial: true})
	generate := func(s Sampling) (out []int32) {
		err := Generate(context.Background(), m, prompt, 12, s, nil, func(id int32) error { out = append(out, id); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	greedy := generate(Sampling{})
	all := append(append([]int32{}, prompt...), greedy...)
	logits, err := m.Logits(context.Background(), all, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range greedy {
		at := len(prompt) - 1 + i
		if want := argmax(logits[at*m.Vocabulary() : (at+1)*m.Vocabulary()]); int(id) != want {
			t.Errorf("token %d is %d, want %d", i, id, want)
		}
	}
	t.Logf("%q", tok.Decode(all))
	one := generate(Sampling{Temperature: 1, TopK: 1, Seed: 5})
	for i := range greedy {
		if one[i] != greedy[i] {
			t.Errorf("the only one of the most likely differs at %d", i)
		}
	}
	a, b := generate(Sampling{Temperature: 1.5, Seed: 5}), generate(Sampling{Temperature: 1.5, TopP: 0.99, Seed: 6})
	if len(a) != 12 || len(b) != 12 {
		t.Errorf("%d and %d tokens, want 12", len(a), len(b))
	}
}
