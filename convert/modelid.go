package convert

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// modelID is what a model's name on a hub says about it, as in
// "meta-llama/Llama-3.1-8B-Instruct". Empty parts are unknown.
type modelID struct {
	name, organization, basename, finetune, version, sizeLabel string
}

var (
	versionPart  = regexp.MustCompile(`^(?i:(v|iter)?\d+([.]\d+)*)$`)
	typePart     = regexp.MustCompile(`^(?i:i?q\d(_\w)*|b?fp?(16|32))$`)
	sizePart     = regexp.MustCompile(`^(?i:(([A]|\d+[x])?\d+([._]\d+)?[KMBT][\d]?|small|mini|medium|large|x?xl))$`)
	finetunePart = regexp.MustCompile(`^(?i:chat|instruct|vision|lora)$`)
	plainVersion = regexp.MustCompile(`^(v\d+(?:\.\d+)*|\d.*)$`)
)

// namePart is one dash-separated part of a name with what it may be.
type namePart struct {
	text                                      string
	basename, size, finetune, version, format bool
}

func (p namePart) marks() int {
	n := 0
	for _, m := range []bool{p.basename, p.size, p.finetune, p.version, p.format} {
		if m {
			n++
		}
	}
	return n
}

// parseModelID takes a name apart by the naming habits of the hub. params is
// the number of weights, 0 where it is unknown: a size in the name that does
// not fit it is a context length.
func parseModelID(id string, params int64) modelID {
	if strings.Contains(id, " ") { // a title, not an id
		return modelID{name: id}
	}
	organization, name, ok := strings.Cut(id, "/")
	if !ok {
		organization, name = "", id
	}
	if strings.HasPrefix(organization, ".") {
		organization = ""
	}
	var parts []namePart
	for text := range strings.SplitSeq(name, "-") {
		if text != "" {
			parts = append(parts, classify(text, len(parts) > 0, params))
		}
	}
	dropWordSizes(parts)
	markBasename(parts)

	join := func(keep func(namePart) bool, once bool) string {
		var kept []string
		for _, p := range parts {
			if keep(p) && !(once && slices.Contains(kept, p.text)) {
				kept = append(kept, p.text)
			}
		}
		return strings.Join(kept, "-")
	}
	m := modelID{
		name:         name,
		organization: organization,
		basename:     join(func(p namePart) bool { return p.basename }, false),
		sizeLabel:    join(func(p namePart) bool { return p.size }, true),
		finetune:     join(func(p namePart) bool { return p.finetune }, false),
		version:      join(func(p namePart) bool { return p.version && !p.basename }, false),
	}
	if m.sizeLabel == "" && m.finetune == "" && m.version == "" {
		m.basename = "" // too ambiguous
	}
	return m
}

// classify says what one part of a name is. The first part is never a size.
func classify(text string, later bool, params int64) namePart {
	switch {
	case versionPart.MatchString(text):
		return namePart{text: text, version: true}
	case typePart.MatchString(text):
		return namePart{text: strings.ToUpper(text), format: true}
	case later && sizePart.MatchString(text):
		return classifySize(text, params)
	case later && finetunePart.MatchString(text):
		return namePart{text: text, finetune: true}
	}
	return namePart{text: text}
}

// classifySize writes a size the usual way: "7b1" is "7.1B", "8b" is "8B".
// A size far from the number of weights counts as a context length.
func classifySize(text string, params int64) namePart {
	text = strings.ReplaceAll(text, "_", ".")
	if n := len(text); digit(text[n-1]) {
		text = text[:n-2] + "." + text[n-1:] + text[n-2:n-1]
	}
	n := len(text)
	if n > 1 && digit(text[n-2]) && strings.ContainsRune("kmbt", rune(text[n-1])) {
		text = text[:n-1] + strings.ToUpper(text[n-1:])
	}
	if number, err := strconv.ParseFloat(text[:n-1], 64); err == nil && params != 0 {
		label := number * math.Pow(1000, float64(strings.IndexByte(" KMBT", text[n-1])))
		if math.Abs(label-float64(params)) > float64(7*params/8) {
			return namePart{text: text[:n-1] + strings.ToLower(text[n-1:]), finetune: true}
		}
	}
	return namePart{text: text, size: true}
}

func digit(b byte) bool { return '0' <= b && b <= '9' }

// dropWordSizes forgets sizes such as "large" beside a size in numbers.
func dropWordSizes(parts []namePart) {
	numeric := slices.ContainsFunc(parts, func(p namePart) bool {
		return p.size && strings.ContainsAny(p.text, "0123456789")
	})
	for i, p := range parts {
		if numeric && p.size && !strings.ContainsFunc(p.text, func(r rune) bool { return !unicode.IsLetter(r) }) {
			parts[i].size = false
		}
	}
}

// markBasename takes the leading unknown words and versions as the base name,
// without trailing versions, and every later unknown word as fine-tuning.
func markBasename(parts []namePart) {
	start := true
	for i, p := range parts {
		if start && (p.marks() == 0 && unicode.IsLetter([]rune(p.text)[0]) || p.version) {
			parts[i].basename = true
			continue
		}
		start = false
		if p.marks() == 0 {
			parts[i].finetune = true
		}
	}
	for i := len(parts) - 1; i >= 0 && parts[i].basename && parts[i].marks() > 1; i-- {
		parts[i].basename = false
	}
}

// title turns an id into a title: dashes become spaces, lower-case words that
// are no version get a capital.
func title(id string) string {
	words := strings.Fields(strings.ReplaceAll(strings.TrimSpace(id), "-", " "))
	for i, w := range words {
		if lower(w) && !plainVersion.MatchString(w) {
			words[i] = capitals(w)
		}
	}
	return strings.Join(words, " ")
}

// lower reports whether w has letters and all of them are lower case.
func lower(w string) bool {
	return w == strings.ToLower(w) && w != strings.ToUpper(w)
}

// capitals writes the first letter of every run of letters as a capital.
func capitals(w string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		before := inside
		inside = unicode.IsLetter(r)
		if inside && !before {
			return unicode.ToTitle(r)
		}
		return r
	}, w)
}
