package forward

import (
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/internal/fixtures/models"
)

// TestLayersOneByOneAreTheWholeRun compares every input of every product.
func TestLayersOneByOneAreTheWholeRun(t *testing.T) {
	passed := 0
	for _, f := range models.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			m := open(t, f.Unpack(t))
			if !m.Passable() || m.Vocabulary() == 0 {
				return
			}
			passed++
			sequences := [][]int32{f.Prompts[0].Tokens, f.Prompts[0].Tokens[:2]}
			var whole, single []Input
			watch := func(list *[]Input) *Model {
				how := m.Run()
				how.Inspect = func(in Input) error {
					in.X, in.Stream, in.Rows = slices.Clone(in.X), slices.Clone(in.Stream), slices.Clone(in.Rows)
					*list = append(*list, in)
					return nil
				}
				return m.With(how)
			}
			none := func(int, int, []float32) error { return nil }
			if err := watch(&whole).Batch(t.Context(), sequences, 0, none); err != nil {
				t.Fatal(err)
			}
			for _, parts := range []bool{false, true} {
				single = nil
				alone := watch(&single)
				x := make([]float32, (len(sequences[0])+2)*m.Width())
				if err := alone.Enter(t.Context(), sequences, x); err != nil {
					t.Fatal(err)
				}
				for i := range m.Layers() {
					var err error
					if !parts {
						err = alone.Pass(t.Context(), i, sequences, x)
					} else {
						for part := 0; part < m.Parts(i) && err == nil; part++ {
							err = alone.PassPart(t.Context(), i, part, sequences, x)
						}
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if err := alone.Leave(t.Context(), sequences, x, none); err != nil {
					t.Fatal(err)
				}
				same(t, whole, single)
			}
		})
	}
	if passed < 10 {
		t.Errorf("only %d families run layer by layer", passed)
	}
}

// same compares inputs of products.
func same(t *testing.T, whole, single []Input) {
	t.Helper()
	if len(whole) != len(single) {
		t.Fatalf("%d products, in a whole run %d", len(single), len(whole))
	}
	for i, in := range single {
		if in.Rows != nil && len(in.Rows)*in.Cols != len(in.X) {
			t.Fatalf("%s has %d elements in %d rows of %d columns", in.Weights[0].Name, len(in.X), len(in.Rows), in.Cols)
		}
		if w := whole[i]; in.Weights[0] != w.Weights[0] || !slices.Equal(in.X, w.X) || !slices.Equal(in.Rows, w.Rows) || !slices.Equal(in.Stream, w.Stream) || in.Gain != w.Gain {
			t.Fatalf("product %d, %s, multiplies something else", i, in.Weights[0].Name)
		}
	}
}

// TestProductsSayWhatTheyAreAddedTo adds them up.
func TestProductsSayWhatTheyAreAddedTo(t *testing.T) {
	m := open(t, stories)
	var streams []Input
	how := m.Run()
	how.Inspect = func(in Input) error {
		if in.Stream != nil {
			in.Stream = slices.Clone(in.Stream)
			streams = append(streams, in)
		}
		return nil
	}
	if _, err := m.With(how).Logits(t.Context(), []int32{1, 2, 3}, 0); err != nil {
		t.Fatal(err)
	}
	if len(streams) != 2*m.Layers() {
		t.Fatalf("%d products are added to the residual stream of %d layers", len(streams), m.Layers())
	}
	for i, in := range streams {
		if want := []string{"attn_output.weight", "ffn_down.weight"}[i%2]; in.Gain != 1 || len(in.Stream) != 3*m.Width() || !strings.HasSuffix(in.Weights[0].Name, want) {
			t.Errorf("product %d is %s with %d elements", i, in.Weights[0].Name, len(in.Stream))
		}
		if in.Last != (i%2 == 1) {
			t.Errorf("product %d ends its layer: %v", i, in.Last)
		}
		if i > 0 && slices.Equal(in.Stream, streams[i-1].Stream) {
			t.Errorf("the stream in front of product %d is that of the one before", i)
		}
	}
}
