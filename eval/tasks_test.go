package eval

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

func storiesWithTokenizer(t testing.TB) (*forward.Model, *tokenizer.Tokenizer) {
	t.Helper()
	m := openModel(t, "../testdata/stories-llama")
	tok, err := m.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	return m, tok
}

func readFile(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The numbers of right answers are those of llama-perplexity on the same
// files and the BF16 file of the model.
func TestTasksGetTheScoresOfLlamaPerplexity(t *testing.T) {
	ctx := context.Background()
	m, tok := storiesWithTokenizer(t)
	hellaswag, choices := string(readFile(t, "testdata", "hellaswag.txt")), readFile(t, "testdata", "choices.bin")
	winogrande := string(readFile(t, "testdata", "winogrande.csv"))
	for _, c := range []struct {
		name   string
		score  func(step progress.Result[Score]) (Score, error)
		right  int
		tasks  int
		chance float64
	}{
		{"hellaswag 25", func(step progress.Result[Score]) (Score, error) { return Hellaswag(ctx, m, tok, hellaswag, 25, step) }, 1, 25, .25},
		{"hellaswag all", func(step progress.Result[Score]) (Score, error) { return Hellaswag(ctx, m, tok, hellaswag, 0, step) }, 7, 40, .25},
		{"winogrande all", func(step progress.Result[Score]) (Score, error) { return Winogrande(ctx, m, tok, winogrande, 0, step) }, 15, 23, .5},
		{"winogrande 10", func(step progress.Result[Score]) (Score, error) { return Winogrande(ctx, m, tok, winogrande, 10, step) }, 6, 10, .5},
		{"choices all", func(step progress.Result[Score]) (Score, error) { return MultipleChoice(ctx, m, tok, choices, 0, step) }, 14, 40, .336134},
		{"choices 25", func(step progress.Result[Score]) (Score, error) {
			return MultipleChoice(ctx, m, tok, choices, 25, step)
		}, 9, 25, .342466},
	} {
		steps := 0
		got, err := c.score(func(p progress.Report, _ Score) { steps = int(p.Done) })
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		right := int(math.Round(got.Accuracy * float64(got.Tasks)))
		if right != c.right || got.Tasks != c.tasks || steps != c.tasks || math.Abs(got.Chance-c.chance) > 1e-6 {
			t.Errorf("%s: %d of %d right, chance %.6f, after %d steps; want %d of %d, %.6f", c.name, right, got.Tasks, got.Chance, steps, c.right, c.tasks, c.chance)
		}
	}
}

// The values are those that llama-perplexity prints for each task.
func TestWinograndeValues(t *testing.T) {
	m, tok := storiesWithTokenizer(t)
	want := [][2]float64{
		{-5.333385, -5.306585}, {-3.187879, -2.693303}, {-4.420260, -4.773441}, {-3.017596, -2.915745}, {-1.719780, -1.631895},
		{-2.551319, -2.632031}, {-3.255473, -2.996159}, {-3.509353, -3.897574}, {-2.632723, -2.604216}, {-3.139786, -3.283300},
		{-2.051538, -2.296373}, {-2.657124, -2.902072}, {-3.250951, -3.470542}, {-3.295483, -3.226463}, {-4.030612, -3.151915},
		{-2.104998, -2.410296}, {-4.146561, -4.484207}, {-2.542258, -2.277713}, {-2.415415, -2.680546}, {-2.055138, -2.312543},
		{-2.340918, -2.645642}, {-2.739218, -2.807384}, {-5.130879, -5.332236},
	}
	lines := strings.Split(string(readFile(t, "testdata", "winogrande.csv")), "\n")
	for i, w := range want {
		b, err := parseBlank(t.Context(), tok, lines[i], "line")
		if err != nil {
			t.Fatal(err)
		}
		logprobs, err := b.logprobs(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		for j := range w {
			if got := b.value(j, logprobs[j]); math.Abs(got-w[j]) > 0.01 {
				t.Errorf("task %d, choice %d: %.6f, want %.6f", i+1, j+1, got, w[j])
			}
		}
	}
}

func TestTwisterIsTheStandardOne(t *testing.T) {
	// ISO C++ [rand.predef]: the 10000th number of a default-seeded mt19937.
	r := newTwister(5489)
	var got uint32
	for range 10000 {
		got = r.uint32()
	}
	if got != 4123659995 {
		t.Errorf("10000th number %d, want 4123659995", got)
	}
}

func TestRejectsBrokenTasks(t *testing.T) {
	m, tok := storiesWithTokenizer(t)
	ctx := context.Background()
	for name, run := range map[string]func() error{
		"five lines":    func() error { _, err := Hellaswag(ctx, m, tok, "a\n1\nb\nc\nd\n", 0, nil); return err },
		"empty":         func() error { _, err := Hellaswag(ctx, m, tok, "", 0, nil); return err },
		"ending 4":      func() error { _, err := Hellaswag(ctx, m, tok, "He ran\n4\nb\nc\nd\ne\n", 0, nil); return err },
		"equal endings": func() error { _, err := Hellaswag(ctx, m, tok, "He ran\n1\nb\nb\nb\nb\n", 0, nil); return err },
		"no blank":      func() error { _, err := Winogrande(ctx, m, tok, "0,He ran,a,b,1", 0, nil); return err },
		"answer 3":      func() error { _, err := Winogrande(ctx, m, tok, "0,He _ ran,a,b,3", 0, nil); return err },
		"three fields":  func() error { _, err := Winogrande(ctx, m, tok, "0,He _ ran,a", 0, nil); return err },
		"no tasks":      func() error { _, err := MultipleChoice(ctx, m, tok, nil, 0, nil); return err },
		"too many tasks": func() error {
			_, err := MultipleChoice(ctx, m, tok, []byte{255, 255, 255, 127, 0, 0, 0, 0}, 0, nil)
			return err
		},
		"tasks that end early": func() error {
			_, err := MultipleChoice(ctx, m, tok, []byte{1, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 'x'}, 0, nil)
			return err
		},
	} {
		if err := run(); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzMultipleChoice(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 'x', 1, 0, 0, 0, 1, 0, 0, 0, 'y', 1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &taskReader{data: data}
		for !r.broken {
			r.string()
			texts, labels := r.answers()
			if !r.broken && len(texts) != len(labels) {
				t.Errorf("%d answers with %d labels", len(texts), len(labels))
			}
			if len(data) == 0 {
				return
			}
		}
	})
}
