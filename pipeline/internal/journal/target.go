package journal

import (
	"strings"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// Target is one file, or split set, to write.
type Target struct {
	Path string // of the file; the files of a set have their numbers in it
	Plan *quantize.Plan

	// Part, counted from 0, and Parts name the single file of a set that the
	// plan describes; Parts is 0 where the plan describes all.
	Part, Parts int
}

// Paths returns the files that are written.
func (t Target) Paths() []string {
	prefix := strings.TrimSuffix(t.Path, ".gguf")
	if t.Parts > 0 {
		return []string{gguf.SplitPath(prefix, t.Part, t.Parts)}
	}
	n := len(t.Plan.Files)
	if n == 1 {
		return []string{t.Path}
	}
	paths := make([]string, n)
	for i := range paths {
		paths[i] = gguf.SplitPath(prefix, i, n)
	}
	return paths
}
