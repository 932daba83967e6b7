package vocab

import (
	"context"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Vocabulary is a checkpoint's vocabulary as a GGUF file has it.
type Vocabulary struct {
	*tokenizer.Tokenizer          // encodes with the rules that llama.cpp has for the key-values
	KVs                  gguf.KVs // in the order in which the reference converter writes them
	Notes                []string // sentences on what was left out or chosen between
}

// Read reads the vocabulary of a checkpoint as the reference converter does:
// which file counts, which key-values come of it.
//
// The ids of a probe text must be those that the source's own rules give, else
// the error is an ErrPre; with a pre-tokenizer that the caller chose a note
// says what it changes.
func Read(ctx context.Context, files tokenizer.Files, opts Options) (*Vocabulary, error) {
	if err := knownPre(opts.Pre); err != nil {
		return nil, err
	}
	c := &checkpoint{files: files, opts: opts}
	if err := c.open(); err != nil {
		return nil, err
	}
	write, err := c.pick()
	if err != nil {
		return nil, err
	}
	if err := write(c); err != nil {
		return nil, err
	}
	t, err := tokenizer.FromGGUF(c.kvs)
	if err != nil {
		return nil, err
	}
	if err := c.usesPre(t); err != nil {
		return nil, err
	}
	if !opts.Unchecked {
		if err := c.check(ctx, t); err != nil {
			return nil, err
		}
	}
	c.noteLeft()
	return &Vocabulary{t, c.kvs, c.notes}, nil
}

// open reads what decides about the vocabulary.
func (c *checkpoint) open() error {
	var err error
	if c.model, err = readConfig(c.files, "config.json"); err != nil {
		return err
	}
	if c.native = c.opts.Native; c.model.Values() == nil || c.native {
		params, err := readConfig(c.files, "params.json")
		if err != nil {
			return err
		}
		if c.native = params.Values() != nil; c.native {
			c.model = params
		}
	}
	if c.opts.Rules.Writer == arch.MetaFiles {
		c.native = false
		return c.openMeta()
	}
	if c.config, err = readObject(c.files, "tokenizer_config.json"); err != nil {
		return err
	}
	if c.json, err = tokenizer.OpenJSON(c.files); err != nil {
		return err
	}
	for _, name := range []string{"tokenizer.model", "spiece.model"} {
		raw, err := c.read(name)
		if err != nil {
			return err
		}
		if raw == nil || c.sp != nil {
			continue
		}
		if c.sp, err = tokenizer.ParseSentencePiece(raw); err != nil {
			if c.sp = nil; c.json == nil {
				if c.ranks, _ = tokenizer.ParseTiktoken(raw); c.ranks == nil || c.opts.Rules.RankedPre == "" {
					return err
				}
			}
			// Llama 3 ships ranks under this name, beside tokenizer.json.
		}
	}
	if raw, err := c.read("sentencepiece.bpe.model"); err != nil {
		return err
	} else if raw != nil && c.opts.Rules.Writer == arch.Fairseq {
		if c.fairseq, err = tokenizer.ParseSentencePiece(raw); err != nil {
			return err
		}
	}
	return c.rows()
}

// rows finds the number of tokens.
func (c *checkpoint) rows() error {
	c.size = c.opts.Rows
	if c.size == 0 {
		c.size = c.intParam("vocab_size")
	}
	if c.size == 0 {
		c.size = c.intParam("padded_vocab_size")
	}
	if c.size < 0 || c.size > maxVocabulary {
		return fault.Op("tokenizer").Corrupt("vocab_size is %d", c.size)
	}
	return nil
}

// pick chooses how the vocabulary is written.
func (c *checkpoint) pick() (func(*checkpoint) error, error) {
	exists := func(name string) bool {
		raw, err := c.read(name)
		return err == nil && raw != nil
	}
	model := ""
	if c.json != nil {
		model = c.json.Model.Type
	}
	rules := c.opts.Rules
	mistral, _ := c.mistralFile()
	switch {
	case mistral != "":
		return (*checkpoint).writeMistral, nil
	case c.json == nil && exists("qwen.tiktoken"):
		return (*checkpoint).writeTiktoken, nil
	case c.json == nil && exists("tiktoken.model"):
		return (*checkpoint).writeKimi, nil
	case exists("rwkv_vocab_v20230424.txt"):
		return (*checkpoint).writeRWKV, nil
	case exists("tokenizer.jsonl"):
		return (*checkpoint).writePlamo, nil
	case c.ranks != nil:
		return (*checkpoint).writeRanked, nil
	case c.json == nil && c.sp != nil && rules.After != nil:
		return (*checkpoint).writeFollowed, nil
	case rules.Writer == arch.MetaFiles && c.sp == nil:
		return (*checkpoint).writeMeta, nil
	case rules.Writer == arch.Gemma4 && c.json != nil:
		return (*checkpoint).writeGemma4, nil
	case c.fairseq != nil && c.fairseq.Algorithm == 1:
		return (*checkpoint).writeFairseq, nil
	case c.sp != nil && c.sp.Algorithm == 1:
		return (*checkpoint).writeUnigram, nil
	case c.sp != nil && rules.Writer != arch.JSONFirst:
		return (*checkpoint).writeSentencePiece, nil
	case model == "Unigram":
		return (*checkpoint).writeUnigramJSON, nil
	case model == "WordPiece":
		return (*checkpoint).writeBERT, nil
	case model == "BPE" && c.json.Model.ByteFallback && (rules.Llama || rules.Scored || prepends(c.json)):
		return (*checkpoint).writeLlamaHF, nil
	case model == "BPE":
		return (*checkpoint).writeGPT2, nil
	case c.json != nil:
		return nil, fault.Op("tokenizer").File("tokenizer.json").Unsupported("model %q", model)
	}
	return nil, tokenizer.NoVocabulary()
}
