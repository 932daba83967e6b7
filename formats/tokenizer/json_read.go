package tokenizer

import (
	"strings"
	"unsafe"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/pyjson"
)

// ParseJSON reads a tokenizer.json file. Nothing of the file is kept.
func ParseJSON(file []byte) (*File, error) {
	f := &File{}
	text := unsafe.String(unsafe.SliceData(file), len(file)) // ten megabytes that need no copy
	parts, err := f.split(strings.TrimPrefix(text, "\uFEFF"))
	if err != nil {
		return nil, corruptJSON("%w", err)
	}
	if err := f.readModel(&parts); err != nil {
		return nil, err
	}
	if parts.merge != "" {
		f.keepMerges(parts.merge)
	}
	if err := f.readAdded(parts.added); err != nil {
		return nil, corruptJSON("added_tokens: %w", err)
	}
	if err := f.index(); err != nil {
		return nil, err
	}
	return f, nil
}

// jsonParts are spans of the file that are read on their own.
type jsonParts struct {
	model map[string]string // the small values of the model, by key
	vocab string
	own   *lexicon // the tokens of vocab, where they could be read on the way
	merge string
	added string
}

// split finds the parts of the file. Of a key that is there twice the last one
// counts.
func (f *File) split(text string) (parts jsonParts, err error) {
	r := &jsonReader{text: text}
	err = r.object(func(key string) error {
		if key == "model" {
			return f.splitModel(r, &parts)
		}
		span, err := r.span()
		if err != nil {
			return err
		}
		switch key {
		case "added_tokens":
			parts.added = span
		case "normalizer":
			f.Normalizer, err = readStep(span)
		case "pre_tokenizer":
			f.PreTokenizer, err = readStep(span)
		case "post_processor":
			f.PostProcessor, err = readStep(span)
		case "decoder":
			f.Decoder, err = readStep(span)
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	return parts, err
}

func (f *File) splitModel(r *jsonReader, parts *jsonParts) error {
	parts.model = map[string]string{}
	return r.object(func(key string) error {
		switch {
		case key == "merges" && r.blank() == '[':
			return f.splitMerges(r, parts)
		case key == "vocab":
			return parts.splitVocab(r)
		}
		span, err := r.span()
		parts.model[key] = span
		return err
	})
}

// splitVocab reads the tokens where they are an object without faults.
func (p *jsonParts) splitVocab(r *jsonReader) (err error) {
	p.own = nil
	if r.blank() == '{' {
		from := r.at
		if p.own, err = readTokens(r, maxTokens); err == nil {
			p.vocab = r.text[from:r.at]
			return nil
		}
		r.at = from
	}
	p.vocab, err = r.span()
	return err
}

// readStep decodes one part of the pipeline.
func readStep(span string) (*Step, error) {
	if len(span) > maxStepText || strings.Count(span, "{") > maxStepCount {
		return nil, fault.Corrupt("a part of the pipeline has more than %d steps or %d bytes", maxStepCount, maxStepText)
	}
	var step *Step
	err := pyjson.Unmarshal([]byte(span), &step)
	return step, err
}

// readModel reads what the model is, and its vocabulary.
func (f *File) readModel(parts *jsonParts) error {
	m, values, vocab := &f.Model, parts.model, parts.vocab
	for key, to := range map[string]any{
		"type": &m.Type, "unk_token": &m.UnkToken, "unk_id": &m.UnkID, "fuse_unk": &m.FuseUnk, "byte_fallback": &m.ByteFallback,
		"ignore_merges": &m.IgnoreMerges, "continuing_subword_prefix": &m.SubPrefix, "end_of_word_suffix": &m.WordSuffix,
		"max_input_chars_per_word": &m.MaxChars,
	} {
		if span, ok := values[key]; ok {
			if err := pyjson.Unmarshal([]byte(span), to); err != nil {
				return corruptJSON("model: %s: %w", key, err)
			}
		}
	}
	if m.Type == "" {
		switch {
		case strings.HasPrefix(vocab, "["):
			m.Type = "Unigram"
		case m.MaxChars != nil:
			m.Type = "WordPiece"
		default:
			m.Type = "BPE"
		}
	}
	var err error
	switch {
	case m.Type == "Unigram":
		err = f.readScored(vocab)
	case parts.own != nil && (m.Type != "WordPiece" || parts.own.len() <= maxPieces):
		f.vocab = &vocabulary{own: parts.own}
	default:
		err = f.readVocab(vocab)
	}
	if err != nil {
		return corruptJSON("vocabulary: %w", err)
	}
	return nil
}

// readAdded reads the added tokens.
func (f *File) readAdded(span string) error {
	f.AddedTokens = nil
	if span == "" || span == "null" {
		return nil
	}
	r := &jsonReader{text: span}
	size := 0
	return r.array(func() error {
		if len(f.AddedTokens) == maxAdded || size > maxText/2 {
			return r.fail("too many tokens")
		}
		var a AddedToken
		flags := map[string]*bool{"single_word": &a.SingleWord, "lstrip": &a.LStrip, "rstrip": &a.RStrip, "normalized": &a.Normalized, "special": &a.Special}
		err := r.object(func(key string) (err error) {
			switch to, isFlag := flags[key]; {
			case key == "id":
				a.ID, err = r.integer()
			case key == "content":
				if a.Content, err = r.string(); len(a.Content) <= maxText/2 {
					a.Content = strings.Clone(a.Content)
				}
			case isFlag:
				*to, err = r.boolean()
			default:
				_, err = r.span()
			}
			return err
		})
		f.AddedTokens = append(f.AddedTokens, a)
		size += len(a.Content)
		return err
	})
}

// splitMerges reads the merges of tokenizer.json as ids of tokens, where these
// are known and the merges have no faults, else passes over them.
func (f *File) splitMerges(r *jsonReader, parts *jsonParts) error {
	from := r.at
	defer func() { parts.merge = r.text[from:r.at] }()
	if parts.own != nil {
		j := &joiner{tokens: parts.own, ids: make([]joined, 0, min((len(r.text)-r.at)/12, maxMerges)), last: -1}
		r.raw = true // what is not UTF-8 is no token
		err := readMerges(r, func(rank int, left, right string) error {
			if rank == maxMerges {
				return r.fail("too many merges")
			}
			return j.add(rank, left, right)
		})
		r.raw = false
		if err == nil && j.flush() == nil {
			f.merges = merges{count: len(j.ids), tokens: parts.own, ids: j.ids, cut: j.cut}
			return nil
		}
		r.at = from
	}
	f.merges = merges{}
	return r.array(func() error {
		if f.merges.count++; f.merges.count > maxMerges {
			return r.fail("too many merges")
		}
		_, err := r.span()
		return err
	})
}

// keepMerges keeps the text of merges whose ids are not known.
func (f *File) keepMerges(span string) {
	if f.merges.ids != nil && f.merges.tokens == f.vocab.own {
		return
	}
	span = strings.Clone(span)
	f.merges = merges{count: f.merges.count, read: func(yield func(rank int, left, right string) error) error {
		return readMerges(&jsonReader{text: span}, yield)
	}}
}
