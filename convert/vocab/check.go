package vocab

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// ErrPre marks the errors about a checkpoint that no pre-tokenizer of llama.cpp
// cuts text like. Options.Pre names one to be taken nevertheless.
var ErrPre = errors.New("no pre-tokenizer of llama.cpp cuts text as the checkpoint does")

// knownPre makes sure that llama.cpp has the pre-tokenizer that the caller chose.
func knownPre(name string) error {
	if name == "" || slices.Contains(pattern.Names(), name) {
		return nil
	}
	return fault.Op("tokenizer").Invalid("invalid pre-tokenizer %q: llama.cpp knows %s", name, strings.Join(pattern.Names(), ", "))
}

// usesPre makes sure that the choice of a pre-tokenizer has an effect.
func (c *checkpoint) usesPre(t *tokenizer.Tokenizer) error {
	kind := t.Model()
	if c.opts.Pre == "" || kind == "gpt2" || kind == "whitespace" {
		return nil
	}
	return fault.Op("tokenizer").Invalid("pre-tokenizer %q has no effect: a vocabulary of kind %q has none", c.opts.Pre, kind)
}

// check holds the ids of the probe against those of the source's own rules.
func (c *checkpoint) check(ctx context.Context, t *tokenizer.Tokenizer) error {
	own, err := c.library(t)
	if own == nil || err != nil {
		return err
	}
	text := probe
	if t.Model() == "bert" {
		got, want, err := bothEncode(ctx, t, own, hangul)
		if err != nil {
			return err
		}
		if !slices.Equal(got, want) {
			text = strings.ReplaceAll(probe, hangul, "")
			c.note("tokenizer: llama.cpp keeps the first letter alone of every Korean syllable where a vocabulary strips accents: Korean text gets other ids from the file than from the folder")
		}
	}
	got, want, err := bothEncode(ctx, t, own, text)
	if err != nil {
		return err
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	around := func(ids []int32) string { return own.Decode(ids[max(0, min(i, len(ids))-3):min(len(ids), i+3)]) }
	switch {
	case len(got) == len(want) && i == len(want):
		return nil
	case c.opts.Pre != "":
		c.note("tokenizer: with pre-tokenizer %q llama.cpp reads text otherwise than the checkpoint: token %d of the probe is %q instead of %q",
			t.Pre(), i, t.TokenBytes(at(got, i)), own.TokenBytes(at(want, i)))
		return nil
	}
	return fault.Op("tokenizer").Kind(ErrPre).Unsupported("with pre-tokenizer %q llama.cpp would read %q otherwise than the checkpoint (token %d of the probe)",
		t.Pre(), around(want), i)
}

// bothEncode encodes a text with the rules of llama.cpp and with the source's.
func bothEncode(ctx context.Context, t, own *tokenizer.Tokenizer, text string) (got, want []int32, err error) {
	if got, err = t.Encode(ctx, text, tokenizer.Options{}); err == nil {
		want, err = own.Encode(ctx, text, tokenizer.Options{})
	}
	return got, want, err
}

// at is an id, -1 after the last one.
func at(ids []int32, i int) int32 {
	if i < len(ids) {
		return ids[i]
	}
	return -1
}

// library builds the tokenizer with the rules of the source, nil where there
// are none apart from those of t.
func (c *checkpoint) library(t *tokenizer.Tokenizer) (*tokenizer.Tokenizer, error) {
	switch {
	case c.own != nil:
		return c.own, nil
	case c.sp != nil && t.Model() != "gpt2" && t.Model() != "gemma4":
		raw, err := c.read("tokenizer.model")
		if raw == nil || err != nil {
			return nil, err
		}
		return tokenizer.FromSentencePiece(raw)
	case c.json != nil:
		config, err := json.Marshal(c.config)
		if err != nil {
			return nil, err
		}
		return c.json.Tokenizer(config)
	}
	return nil, nil
}
