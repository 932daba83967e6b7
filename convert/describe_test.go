package convert

import (
	"regexp"
	"strings"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/tiny"
)

// TestAFileDescribesTheModelOfItsCheckpoint holds what config.json says of
// every class to what the key-values say that are written for it, field by
// field.
func TestAFileDescribesTheModelOfItsCheckpoint(t *testing.T) {
	for _, class := range tiny.Classes() {
		t.Run(class, func(t *testing.T) {
			dir := t.TempDir()
			if err := tiny.Write(dir, class, 1); err != nil {
				t.Fatal(err)
			}
			describesAlike(t, dir)
		})
	}
	for _, f := range models.All(t) {
		t.Run(f.Name, func(t *testing.T) { describesAlike(t, f.Unpack(t)) })
	}
}

// TestAnyEpsilonIsTaken changes the epsilon of the norms in every class: where
// a file has none for norms of another, that is a loss and no refusal.
func TestAnyEpsilonIsTaken(t *testing.T) {
	epsilon := regexp.MustCompile(`"(rms_norm_eps|layer_norm_eps|layer_norm_epsilon|layernorm_epsilon|norm_eps|norm_epsilon)": *[0-9.e-]+`)
	for _, class := range tiny.Classes() {
		t.Run(class, func(t *testing.T) {
			dir := t.TempDir()
			if err := tiny.WriteConfig(dir, epsilon.ReplaceAllString(tiny.Config(class), `"$1": 3e-5`), 1); err != nil {
				t.Fatal(err)
			}
			describesAlike(t, dir)
		})
	}
}

func describesAlike(t *testing.T, dir string) {
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	p, err := NewPlan(t.Context(), ckpt, Options{Type: F32, NoVocabulary: ckpt.Layout() == hf.MistralNative})
	if err != nil {
		t.Fatal(err)
	}
	source, err := arch.Expressible(p.Arch, p.Hyper, arch.Losses(ckpt.Config(), p.Hyper))
	if err != nil {
		t.Fatal(err)
	}
	h, err := arch.FromGGUF(p.KVs)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := arch.ByName(p.Arch.Name)
	file, err := arch.Describe(a, h)
	if err != nil {
		t.Fatal(err)
	}
	if d := arch.Differences(file, source); len(d) > 0 {
		t.Errorf("the file and not its source:\n%s", strings.Join(d, "\n"))
	}
}
