package hf

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// joined is a matrix of which every file of a set holds a part.
type joined struct {
	parts  []Tensor
	across bool // the parts stand beside each other, not below
}

// metaAcross end the names of matrices of Meta's releases whose inputs the
// files share among them; the outputs of all others are.
var metaAcross = []string{".attention.wo.weight", ".feed_forward.w2.weight"}

// joinMeta makes one tensor of those that have the same name in the files of
// a release of Meta's, one file for each of the processors that it is to run
// on. Vectors are the same in all.
func (c *Checkpoint) joinMeta() error {
	dim, err := c.config.Int("dim")
	if err != nil {
		return err
	}
	var all []Tensor
	for _, first := range c.shards[0].tensors {
		t, parts := first, []Tensor{first}
		for _, s := range c.shards[1:] {
			at := slices.IndexFunc(s.tensors, func(t Tensor) bool { return t.Name == first.Name })
			if at < 0 {
				return fault.Op("hf").Folder(c.name).File(s.name).Corrupt("tensor %q is missing, a part of which %s has", first.Name, first.File)
			}
			other := s.tensors[at]
			if other.DType != t.DType || !slices.Equal(other.Shape, t.Shape) {
				return fault.Op("hf").Folder(c.name).File(s.name).Tensor(t.Name).Corrupt("%s of shape %v is not a part beside that of %s, %s of shape %v", other.DType, other.Shape, first.File, t.DType, t.Shape)
			}
			parts = append(parts, other)
		}
		if len(t.Shape) == 2 && len(parts) > 1 {
			across := slices.ContainsFunc(metaAcross, func(suffix string) bool { return strings.HasSuffix(t.Name, suffix) }) ||
				t.Name == "tok_embeddings.weight" && t.Shape[1] != dim // Llama 3 shares the tokens instead
			t.joined, t.Size = &joined{parts, across}, t.Size*int64(len(parts))
			axis := 0
			if across {
				axis = 1
			}
			t.Shape = slices.Clone(t.Shape)
			t.Shape[axis] *= int64(len(parts))
		}
		all = append(all, t)
	}
	for _, s := range c.shards[1:] {
		if len(s.tensors) != len(all) {
			return fault.Op("hf").Folder(c.name).File(s.name).Corrupt("it has %d tensors, %s has %d", len(s.tensors), c.shards[0].name, len(all))
		}
	}
	c.tensors = all
	return c.stateVocabulary()
}

// stateVocabulary takes the size of the vocabulary from the embedding where
// params.json leaves it to the tokenizer.
func (c *Checkpoint) stateVocabulary() error {
	if n, err := c.config.Int("vocab_size"); err == nil && n > 0 {
		return nil
	}
	for _, t := range c.tensors {
		if t.Name == "tok_embeddings.weight" && len(t.Shape) == 2 {
			c.config.values = maps.Clone(c.config.values)
			c.config.values["vocab_size"] = json.Number(strconv.FormatInt(t.Shape[0], 10))
		}
	}
	return nil
}

// readAt reads what lies in a row of the parts one after the other, or in one
// part after the other.
func (j *joined) readAt(ctx context.Context, p []byte, off int64) (int, error) {
	run := j.parts[0].Size // bytes that lie together
	if j.across {
		run /= j.parts[0].Shape[0]
	}
	done := 0
	for done < len(p) {
		at, within := (off+int64(done))/run, (off+int64(done))%run
		part, start := at, int64(0)
		if j.across {
			part, start = at%int64(len(j.parts)), at/int64(len(j.parts))*run
		}
		n, err := j.parts[part].ReadAt(ctx, p[done:][:min(run-within, int64(len(p)-done))], start+within)
		done += n
		if err != nil && !errors.Is(err, io.EOF) {
			return done, err
		}
	}
	return done, nil
}
