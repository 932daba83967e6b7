package pattern

// Whole patterns of well-known tokenizer.json files that have no scanner,
// named after the first model that had them.
const (
	Bloom      = ` ?[^(\s|[.,!?…。，、।۔،])]+`
	KanaText   = `[一-龥぀-ゟ゠-ヿ]+`
	HangulText = `[一-龥ࠀ-一가-퟿]+`
	Thousands  = `\d{1,3}(?=(?:\d{3})*\b)`
	Bailing    = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`
	SeedCoder  = contractionFold + `|` + leadWord + `|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|` + lineSpace
	ExaoneMoE  = contractionFold + `|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+`
	Jais2      = contractionFold + `|` + leadWord + `|\p{N}{1,3}|` + otherLine + `|\s*[\r\n]+` +
		`|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}`
	MiniCPM5 = contractionFold + `|` + leadWord + `|\p{N}+|` + otherLine + `|` + lineSpace
	Ufakzeka = leadWord + `|\p{N}|` + otherLine + `|` + lineSpace
)
