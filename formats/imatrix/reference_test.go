package imatrix

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/internal/shared"
)

// TestStatisticsAreThoseOfTheReference compares every figure with what
// llama-imatrix --show-statistics prints for the same file, and the order.
func TestStatisticsAreThoseOfTheReference(t *testing.T) {
	m, err := Read(t.Context(), shared.Path(t, "golden/stories/imatrix.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	stats := m.Statistics()
	for _, s := range stats {
		got = append(got, []string{
			fmt.Sprint(s.Block()), shortName(s.Tensor), fmt.Sprintf("%.2f", s.Sum), fmt.Sprintf("%.4f", s.Min), fmt.Sprintf("%.4f", s.Max),
			fmt.Sprintf("%.2f", s.Mean), fmt.Sprintf("%.2f", s.StdDev), fmt.Sprintf("%.2f%%", 100*s.Active), fmt.Sprint(s.Elements),
			fmt.Sprintf("%.4f", s.Entropy), fmt.Sprintf("%.2f%%", 100*s.NormalizedEntropy()), fmt.Sprintf("%.2f%%", 100*s.ZScore), fmt.Sprintf("%.4f", s.CosSim),
		})
	}
	for _, l := range Layers(stats) {
		got = append(got, []string{fmt.Sprint(l.Block), fmt.Sprintf("%.2f", l.Sum), fmt.Sprintf("%.4f%%", 100*l.ZScore), fmt.Sprintf("%.4f", l.CosSim)})
	}
	file, err := os.Open("testdata/stories-statistics.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var want [][]string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		want = append(want, strings.Split(lines.Text(), "\t"))
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 32 {
		t.Error(diff)
	}
}
