package forward

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/fault"
)

// TestAFileThatIsCutShortMeanwhileIsAnError, not a signal, with any number of
// workers.
func TestAFileThatIsCutShortMeanwhileIsAnError(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a mapped file cannot be cut here")
	}
	whole := filepath.Join(t.TempDir(), "whole.gguf")
	convertTo(t, stories, whole, convert.BF16)
	for _, workers := range []int{1, 4} {
		path := filepath.Join(t.TempDir(), "cut.gguf")
		data, err := os.ReadFile(whole)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := Open(t.Context(), path, Options{Run: Run{Workers: workers}})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := os.Truncate(path, int64(len(data)/2)); err != nil {
			t.Fatal(err)
		}
		_, err = m.Logits(t.Context(), []int32{1, 2, 3}, 0)
		if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "cut.gguf") || !strings.Contains(err.Error(), "shortened") {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}
