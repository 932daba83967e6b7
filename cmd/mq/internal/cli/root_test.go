package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/exit"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

// TestLostOutputIsAFailure: a script must not take a cut list for a whole one.
func TestLostOutputIsAFailure(t *testing.T) {
	for _, line := range []string{"types", "archs --json", "inspect ../../../../testdata/stories-llama", "--help"} {
		var stderr bytes.Buffer
		if code := Main(strings.Fields(line), nil, full{}, &stderr); code != exit.IO || !strings.Contains(stderr.String(), "no room") {
			t.Errorf("mq %s: exit %d, %q", line, code, stderr.String())
		}
	}
}

// TestACrashHasACodeOfItsOwn, with one line that asks for a report: schedulers
// read the 2 of the Go runtime as a wrong command line.
func TestACrashHasACodeOfItsOwn(t *testing.T) {
	crashes := map[string]func(*cobra.Command, []string) error{
		"command": func(*cobra.Command, []string) error { panic("a fault") },
		"worker of a product": func(cmd *cobra.Command, _ []string) error {
			return compute.Parallel(cmd.Context(), 4, 100, func(_, i int) error { return []error{nil}[i] })
		},
		"worker of the pipeline": func(cmd *cobra.Command, _ []string) error {
			info := gguf.TensorInfo{Name: "a", Type: gguf.TypeF32, Shape: []int64{32}}
			plan, err := quantize.Keep("F32", nil, []gguf.TensorInfo{info})
			if err != nil {
				return err
			}
			stream := gguf.Stream{TensorInfo: info, ReadRows: func(context.Context, []byte, int64) error { panic("a fault") }}
			return quantize.Run(cmd.Context(), []gguf.Stream{stream}, []quantize.Output{{Plan: plan, Files: []io.WriterAt{nowhere{}}}}, quantize.RunOptions{})
		},
	}
	for name, run := range crashes {
		var stderr bytes.Buffer
		a := &app{Session: session.Session{Console: ui.Console{Out: io.Discard, Err: &stderr}}}
		root := a.root()
		root.AddCommand(&cobra.Command{Use: "crash", RunE: run})
		root.SetArgs([]string{"crash"})
		code := a.report(execute(t.Context(), root))
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		if last := lines[len(lines)-1]; code != exit.Internal || !strings.HasPrefix(last, "mq: internal error: ") || !strings.Contains(last, "please report it") || !strings.Contains(stderr.String(), "root_test.go") {
			t.Errorf("%s: exit %d: %s", name, code, stderr.String())
		}
	}
}

type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
