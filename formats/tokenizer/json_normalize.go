package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// rewrite is one step of normalization.
type rewrite func(w *pattern.Work, s string) string

// always is a step that takes no more time than the text is long.
func always(step func(s string) string) rewrite {
	return func(w *pattern.Work, s string) string {
		if !w.Spend(1 + len(s)/8) {
			return ""
		}
		return step(s)
	}
}

// normalizers are the kinds of "normalizer" in tokenizer.json.
var normalizers = map[string]func(c *Step) (rewrite, error){
	"NFC":       func(*Step) (rewrite, error) { return always(norm.NFC.String), nil },
	"NFD":       func(*Step) (rewrite, error) { return always(norm.NFD.String), nil },
	"NFKC":      func(*Step) (rewrite, error) { return always(norm.NFKC.String), nil },
	"NFKD":      func(*Step) (rewrite, error) { return always(norm.NFKD.String), nil },
	"Lowercase": func(*Step) (rewrite, error) { return always(lowercase), nil },
	"StripAccents": func(*Step) (rewrite, error) {
		return always(drop(func(r rune) bool { return pattern.Unicode16.Of(r)&pattern.Mark != 0 && !pattern.SinceUnicode8(r) })), nil
	},
	"ByteLevel": func(*Step) (rewrite, error) { return always(ToByteChars), nil },
	"Nmt":       func(*Step) (rewrite, error) { return always(nmt), nil },
	"Prepend": func(c *Step) (rewrite, error) {
		return always(func(s string) string {
			if s == "" {
				return s
			}
			return c.Prepend + s
		}), nil
	},
	"Replace":        replace,
	"Strip":          strip,
	"Precompiled":    precompiled,
	"BertNormalizer": bertNormalizer,
}

// compileNormalizer gives the whole normalization.
func compileNormalizer(root *Step) (rewrite, error) {
	var steps []rewrite
	list := root.Steps()
	if len(list) > maxSteps {
		return nil, corruptJSON("%d normalizers follow one another, more than %d", len(list), maxSteps)
	}
	for i := range list {
		build, ok := normalizers[list[i].Type]
		if !ok {
			return nil, fault.Op("tokenizer").File("tokenizer.json").Unsupported("normalizer %q", list[i].Type)
		}
		step, err := build(list[i])
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return func(w *pattern.Work, s string) string {
		limit := growthLimit(len(s))
		for _, step := range steps {
			if len(s) <= limit {
				s = step(w, s)
			}
		}
		return s
	}, nil
}

// growthLimit is how long text of n bytes may become before normalization
// stops: a hostile list of replacements doubles it again and again.
func growthLimit(n int) int { return 1<<20 + 64*n }

func replace(c *Step) (rewrite, error) {
	if c.Pattern.String != nil {
		old := *c.Pattern.String
		if old == "" {
			return always(func(s string) string { return s }), nil
		}
		return always(func(s string) string {
			if n := strings.Count(s, old); n*len(c.Content) > growthLimit(len(s)) {
				return s
			}
			return strings.ReplaceAll(s, old, c.Content)
		}), nil
	}
	re, err := pattern.CompileRegexp(str(c.Pattern.Regex), pattern.Unicode16)
	if err != nil {
		return nil, err
	}
	return func(w *pattern.Work, s string) string {
		var out strings.Builder
		at := 0
		re.Each(w, s, func(start, end int) {
			if out.Len() > growthLimit(len(s)) {
				return
			}
			out.WriteString(s[at:start])
			out.WriteString(c.Content)
			at = end
		})
		out.WriteString(s[at:])
		return out.String()
	}, nil
}

func strip(c *Step) (rewrite, error) {
	return always(func(s string) string {
		if yes(c.StripLeft) {
			s = strings.TrimLeftFunc(s, unicode.IsSpace)
		}
		if yes(c.StripRight) {
			s = strings.TrimRightFunc(s, unicode.IsSpace)
		}
		return s
	}), nil
}

// precompiled applies a charsmap, to the longest match at each place.
func precompiled(c *Step) (rewrite, error) {
	chars, err := newCharsmap(c.Charsmap)
	if err != nil {
		return nil, err
	}
	n := &normalizer{chars: chars}
	return func(w *pattern.Work, s string) string {
		var out strings.Builder
		for s != "" && w.Spend(1) {
			size, piece := n.prefixOf(s)
			out.WriteString(piece)
			s = s[size:]
		}
		return out.String()
	}, nil
}

// lowercase writes the one letter whose lower case is two characters so.
func lowercase(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "\u0130", "i\u0307"))
}

// drop leaves characters out.
func drop(which func(r rune) bool) func(s string) string {
	return func(s string) string {
		return strings.Map(func(r rune) rune {
			if which(r) {
				return -1
			}
			return r
		}, s)
	}
}

// nmt drops control characters and makes every other blank a space.
func nmt(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 1 && r <= 8, r == 0x0B, r >= 0x0E && r <= 0x1F, r == 0x7F, r == 0x8F, r == 0x9F:
			return -1
		case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, r >= 0x200B && r <= 0x200F,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xFEFF, r == 0xFFFD:
			return ' '
		}
		return r
	}, s)
}

// bertNormalizer cleans text, sets CJK characters apart, folds case.
func bertNormalizer(c *Step) (rewrite, error) {
	lower := yes(c.Lowercase)
	accents := lower
	if c.StripAccents != nil {
		accents = *c.StripAccents
	}
	plain := drop(pattern.IsAccent)
	return always(func(s string) string {
		if accents {
			s = plain(norm.NFD.String(cleaned(s, c)))
		} else {
			s = cleaned(s, c)
		}
		if lower {
			s = lowercase(s)
		}
		return s
	}), nil
}

func cleaned(s string, c *Step) string {
	out := make([]byte, 0, len(s)+16)
	for _, r := range s {
		if yes(c.CleanText) {
			if pattern.IsControl(r) {
				continue
			}
			if unicode.IsSpace(r) {
				r = ' '
			}
		}
		if yes(c.HandleCJK) && isCJK(r) {
			out = append(utf8.AppendRune(append(out, ' '), r), ' ')
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
