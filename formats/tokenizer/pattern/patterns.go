package pattern

// The parts that split patterns are made of.
const (
	contractionLower = `'s|'t|'re|'ve|'m|'ll|'d`
	contractionASCII = `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`
	contractionFold  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`

	leadWord  = `[^\r\n\p{L}\p{N}]?\p{L}+`
	otherLine = ` ?[^\s\p{L}\p{N}]+[\r\n]*`
	otherPath = ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
	lineSpace = `\s*[\r\n]+|\s+(?!\S)|\s+`

	// Words in which capitals come first, as gpt-4o and tekken have them.
	upperRun = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lowerRun = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	anyLead  = `[^\r\n\p{L}\p{N}]?`

	// What llama.cpp makes of them: only ASCII letters have a case.
	upperASCII     = `[\p{L}&&[^a-z]]`
	lowerASCII     = `[\p{L}&&[^A-Z]]`
	upperASCIIMark = `[\p{L}\p{M}&&[^a-z]]`
	lowerASCIIMark = `[\p{L}\p{M}&&[^A-Z]]`
)

// cased gives the two forms of a word: upper* lower+ and upper+ lower*.
func cased(up, low, suffix string) string {
	return anyLead + up + `*` + low + `+` + suffix + `|` + anyLead + up + `+` + low + `*` + suffix
}

// Whole patterns, named after the first model that had them.
var (
	GPT2     = contractionLower + `| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	Llama3   = contractionFold + `|` + leadWord + `|\p{N}{1,3}|` + otherLine + `|` + lineSpace
	Qwen2    = contractionFold + `|` + leadWord + `|\p{N}|` + otherLine + `|` + lineSpace
	Qwen35   = contractionFold + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|` + lineSpace
	GPT4o    = cased(upperRun, lowerRun, contractionFold+`?`) + `|\p{N}{1,3}|` + otherPath + `|` + lineSpace
	Tekken   = cased(upperRun, lowerRun, ``) + `|\p{N}|` + otherPath + `|` + lineSpace
	DeepSeek = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|" +
		`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|` + lineSpace

	// Kimi sets runs of Han characters apart from other letters.
	Kimi = `\p{Han}+|` + cased(`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]`, `[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]`, contractionFold+`?`) +
		`|\p{N}{1,3}|` + otherLine + `|` + lineSpace

	asciiLlama3  = contractionASCII + `|` + leadWord + `|\p{N}{1,3}|` + otherLine + `|` + lineSpace
	asciiQwen2   = contractionASCII + `|` + leadWord + `|\p{N}|` + otherLine + `|` + lineSpace
	asciiQwen35  = contractionASCII + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|` + lineSpace
	asciiGPT4o   = cased(upperASCII, lowerASCII, contractionASCII+`?`) + `|\p{N}{1,3}|` + otherPath + `|` + lineSpace
	asciiTekken  = cased(upperASCII, lowerASCII, ``) + `|\p{N}|` + otherPath + `|` + lineSpace
	asciiGranite = cased(upperASCIIMark, lowerASCIIMark, contractionASCII+`?`) + `|\p{N}{1,3}|` + otherPath + `|` + lineSpace
	asciiMiniCPM = contractionASCII + `|` + leadWord + `|\p{N}+|` + otherLine + `|` + lineSpace
)

// handWritten are the patterns that have a scanner. A test holds each scanner
// against its pattern.
var handWritten = map[string]func(*Edition) Splitter{
	GPT2:   gpt2.with(lowerCase),
	Llama3: llama3.with(everyCase),
	Qwen2:  qwen2.with(everyCase),
	Qwen35: qwen35.with(everyCase),
	GPT4o:  gpt4o.with(everyCase),
	Tekken: tekken.with(noContraction),

	asciiLlama3:  llama3.with(asciiCase),
	asciiQwen2:   qwen2.with(asciiCase),
	asciiQwen35:  qwen35.with(asciiCase),
	asciiGPT4o:   gpt4o.plain(letter).with(asciiCase),
	asciiTekken:  tekken.plain(letter).with(noContraction),
	asciiGranite: gpt4o.plain(letter | Mark).with(asciiCase),
	asciiMiniCPM: words{letters: letter, tail: "\r\n", lines: true}.with(asciiCase),

	`\s+\z`: trailingSpace,
}

// Scanner returns the scanner for a pattern; false where there is none.
func Scanner(pattern string, ed *Edition) (Splitter, bool) {
	build, ok := handWritten[pattern]
	if !ok {
		return nil, false
	}
	return build(ed), true
}

var (
	gpt2   = words{space: true, letters: letter}
	llama3 = words{letters: letter, numbers: 3, tail: "\r\n", lines: true}
	qwen2  = words{letters: letter, numbers: 1, tail: "\r\n", lines: true}
	qwen35 = words{letters: letter | Mark, marks: true, numbers: 1, tail: "\r\n", lines: true}
	gpt4o  = words{letters: letter | Mark, cased: true, suffix: true, numbers: 3, tail: "\r\n/", lines: true}
	tekken = words{letters: letter | Mark, cased: true, suffix: true, numbers: 1, tail: "\r\n/", lines: true}
)

func (w words) with(c contractions) func(*Edition) Splitter {
	w.contraction = c
	return func(ed *Edition) Splitter {
		own := w // the tables are shared by tokenizers built at once
		own.ed = ed
		return own.splitter()
	}
}

// plain makes case a matter of ASCII letters alone.
func (w words) plain(letters class) words {
	w.letters, w.ascii = letters, true
	return w
}
