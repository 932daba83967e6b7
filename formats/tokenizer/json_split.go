package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// cutter is one step of pre-tokenization. first says that s begins the text.
type cutter func(w *pattern.Work, dst []string, s string, first bool) []string

// preTokenizers are the kinds of "pre_tokenizer" in tokenizer.json.
var preTokenizers = map[string]func(c *Step) (cutter, error){
	"Split":            splitStep,
	"ByteLevel":        byteLevelStep,
	"Metaspace":        metaspace,
	"Digits":           digits,
	"Punctuation":      func(c *Step) (cutter, error) { return behave(c.Behavior, pattern.IsPunct) },
	"Whitespace":       func(*Step) (cutter, error) { return wordStep, nil },
	"WhitespaceSplit":  func(*Step) (cutter, error) { return behave("Removed", pattern.IsBlank) },
	"BertPreTokenizer": bertPreTokenizer,
	"CharDelimiterSplit": func(c *Step) (cutter, error) {
		return behave("Removed", func(r rune) bool { return string(r) == c.Delimiter })
	},
}

// compilePreTokenizer gives the steps in order. mapped says that the last one
// writes words in the byte alphabet; the model then takes raw bytes and the
// alphabet is left out. Where a step follows the alphabet it is written.
func compilePreTokenizer(root *Step) (steps []cutter, mapped bool, err error) {
	list := root.Steps()
	if len(list) > maxSteps {
		return nil, false, corruptJSON("%d pre-tokenizers follow one another, more than %d", len(list), maxSteps)
	}
	for i, c := range list {
		build, ok := preTokenizers[c.Type]
		if !ok {
			return nil, false, fault.Op("tokenizer").File("tokenizer.json").Unsupported("pre-tokenizer %q", c.Type)
		}
		step, err := build(c)
		if err != nil {
			return nil, false, err
		}
		steps = append(steps, step)
		if c.Type != "ByteLevel" {
			continue
		}
		if mapped = i == len(list)-1; !mapped {
			steps = append(steps, func(_ *pattern.Work, dst []string, s string, _ bool) []string { return append(dst, ToByteChars(s)) })
		}
	}
	return steps, mapped, nil
}

// cut applies steps in order.
func cut(w *pattern.Work, dst []string, s string, first bool, steps []cutter) []string {
	if len(steps) == 0 {
		return append(dst, s)
	}
	if len(steps) == 1 {
		return steps[0](w, dst, s, first)
	}
	pieces, next := []string{s}, []string(nil)
	for i, step := range steps {
		if i == len(steps)-1 {
			next = dst
		} else {
			next = next[:0]
		}
		for j, p := range pieces {
			if !w.Spend(1 + len(p)/8) {
				return dst
			}
			next = step(w, next, p, first && j == 0)
		}
		pieces, next = next, pieces
	}
	return pieces
}

func splitStep(c *Step) (cutter, error) {
	if c.Pattern.Regex != nil {
		return regexStep(*c.Pattern.Regex, c.Behavior, c.Invert)
	}
	sep := str(c.Pattern.String)
	if sep == "" {
		return func(_ *pattern.Work, dst []string, s string, _ bool) []string { return append(dst, s) }, nil
	}
	return behaviors(c.Behavior, c.Invert, func(_ *pattern.Work, s string, yield func(start, end int)) {
		for at := 0; ; {
			i := strings.Index(s[at:], sep)
			if i < 0 {
				return
			}
			yield(at+i, at+i+len(sep))
			at += i + len(sep)
		}
	})
}

func regexStep(expr, behavior string, invert bool) (cutter, error) {
	expr = strings.NewReplacer("\r", `\r`, "\n", `\n`, "\t", `\t`).Replace(expr)
	if behavior == "Isolated" || behavior == "Removed" && invert {
		if split, ok := pattern.Scanner(expr, pattern.Unicode16); ok {
			return func(w *pattern.Work, dst []string, s string, _ bool) []string { return split(w, dst, s) }, nil
		}
	}
	re, err := pattern.CompileRegexp(expr, pattern.Unicode16)
	if err != nil {
		return nil, err
	}
	return behaviors(behavior, invert, re.Each)
}

// behave splits at single characters.
func behave(behavior string, is func(r rune) bool) (cutter, error) {
	if behavior == "" {
		behavior = "Isolated"
	}
	return behaviors(behavior, false, func(_ *pattern.Work, s string, yield func(start, end int)) {
		for i, r := range s {
			if is(r) {
				yield(i, i+utf8.RuneLen(r))
			}
		}
	})
}

// bounds are the limits of a piece: a match or what lies between matches.
type bounds struct {
	from, to int
	match    bool
}

// mergeRules say what becomes of matches: they are dropped, stand alone, go with
// the text before or after them, or are one with the match before.
var mergeRules = map[string]func(all []bounds) []bounds{
	"removed": func(all []bounds) []bounds {
		return slices.DeleteFunc(all, func(b bounds) bool { return b.match })
	},
	"isolated": func(all []bounds) []bounds { return all },
	"mergedwithprevious": func(all []bounds) []bounds {
		return join(all, func(before, b bounds) bool { return b.match && !before.match })
	},
	"mergedwithnext": func(all []bounds) []bounds {
		return join(all, func(before, b bounds) bool { return before.match && !b.match })
	},
	"contiguous": func(all []bounds) []bounds {
		return join(all, func(before, b bounds) bool { return before.match == b.match })
	},
}

// join puts pieces together that belong to the piece before them.
func join(all []bounds, belongs func(before, b bounds) bool) []bounds {
	out := all[:0]
	var before bounds
	for i, b := range all {
		if i > 0 && belongs(before, b) {
			out[len(out)-1].to = b.to
		} else {
			out = append(out, b)
		}
		before = b
	}
	return out
}

func behaviors(behavior string, invert bool, each func(w *pattern.Work, s string, yield func(start, end int))) (cutter, error) {
	// Older files write merged_with_next for MergedWithNext.
	rule, ok := mergeRules[strings.ToLower(strings.ReplaceAll(behavior, "_", ""))]
	if !ok {
		return nil, fault.Op("tokenizer").File("tokenizer.json").Unsupported("split behavior %q", behavior)
	}
	return func(w *pattern.Work, dst []string, s string, _ bool) []string {
		var all []bounds
		at := 0
		put := func(from, to int, match bool) {
			if from < to {
				all = append(all, bounds{from, to, match != invert})
			}
		}
		each(w, s, func(start, end int) {
			put(at, start, false)
			put(start, end, true)
			at = end
		})
		put(at, len(s), false)
		for _, b := range rule(all) {
			dst = append(dst, s[b.from:b.to])
		}
		return dst
	}, nil
}

func byteLevelStep(c *Step) (cutter, error) {
	prefix := no(c.AddPrefixSpace)
	split, err := pattern.Compile(pattern.GPT2, pattern.Unicode16)
	if c.UseRegex != nil && !*c.UseRegex {
		split = func(_ *pattern.Work, dst []string, s string) []string { return append(dst, s) }
	}
	return func(w *pattern.Work, dst []string, s string, _ bool) []string {
		if prefix && !strings.HasPrefix(s, " ") {
			s = " " + s
		}
		return split(w, dst, s)
	}, err
}

func metaspace(c *Step) (cutter, error) {
	mark := c.Replacement
	if mark == "" {
		mark = lowBlock
	}
	scheme := c.PrependScheme
	if scheme == "" {
		scheme = "always"
	}
	if c.AddPrefixSpace != nil && !*c.AddPrefixSpace {
		scheme = "never"
	}
	words, err := splitStep(&Step{Behavior: "MergedWithNext", Pattern: struct {
		String *string `json:"String"`
		Regex  *string `json:"Regex"`
	}{String: &mark}})
	return func(w *pattern.Work, dst []string, s string, first bool) []string {
		s = strings.ReplaceAll(s, " ", mark)
		if (scheme == "always" || scheme == "first" && first) && !strings.HasPrefix(s, mark) {
			s = mark + s
		}
		if yes(c.Split) {
			return words(w, dst, s, first)
		}
		return append(dst, s)
	}, err
}

func digits(c *Step) (cutter, error) {
	is := func(r rune) bool { return pattern.Unicode16.Of(r)&pattern.Numeric != 0 }
	if c.IndividualDigits {
		return behave("Isolated", is)
	}
	return behave("Contiguous", is)
}

func bertPreTokenizer(*Step) (cutter, error) {
	words, err := behave("Removed", pattern.IsBlank)
	if err != nil {
		return nil, err
	}
	marks, err := behave("Isolated", pattern.IsPunct)
	return func(w *pattern.Work, dst []string, s string, first bool) []string {
		for _, word := range words(w, nil, s, first) {
			dst = marks(w, dst, word, false)
		}
		return dst
	}, err
}

// wordStep takes runs of word characters and runs of all others but blanks.
func wordStep(_ *pattern.Work, dst []string, s string, _ bool) []string {
	kind := func(r rune) int {
		switch {
		case pattern.IsBlank(r):
			return 0
		case pattern.IsWord(r):
			return 1
		}
		return 2
	}
	from, last := 0, 0
	for i, r := range s {
		k := kind(r)
		if k == last {
			continue
		}
		if last != 0 {
			dst = append(dst, s[from:i])
		}
		from, last = i, k
	}
	if last != 0 {
		dst = append(dst, s[from:])
	}
	return dst
}
