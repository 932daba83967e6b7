package quantize

import (
	"context"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
)

func TestRederivesWhatAFileHolds(t *testing.T) {
	sources := sample()
	p := plan(t, llama(1), infosOf(sources), Options{Recipe: recipe(t, "Q4_K_M")})
	out, files := inMemory(p)
	if err := Run(context.Background(), sources, []Output{out}, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	rederive := func(sources []gguf.Stream) string {
		t.Helper()
		departures, err := Rederive(context.Background(), llama(1), sources, open(t, files[0].b, "out.gguf"), Options{}, RunOptions{Workers: 3})
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, d := range departures {
			list = append(list, d.String())
		}
		return strings.Join(list, "; ")
	}
	if got := rederive(sources); got != "" {
		t.Errorf("a true file departs: %s", got)
	}
	for i, c := range p.Tensors {
		at := p.Files[0].TensorOffset(i) + c.Info.Size() - 1
		files[0].b[at] ^= 1
		if got := rederive(sources); !strings.Contains(got, c.Info.Name) || strings.Contains(got, ";") {
			t.Errorf("%s is damaged, and this departs: %q", c.Info.Name, got)
		}
		files[0].b[at] ^= 1
	}
	if got := rederive(sources[1:]); !strings.Contains(got, "the source does not give it") {
		t.Errorf("a tensor that the source lacks: %q", got)
	}
	more := append(sample(), streamOf("blk.0.extra.weight", wave(64), 64))
	if got := rederive(more); !strings.Contains(got, `"blk.0.extra.weight": the file lacks it`) {
		t.Errorf("a tensor that the file lacks: %q", got)
	}
}
