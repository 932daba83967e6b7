package pattern

import (
	"sort"

	"github.com/f190792d/mq/formats/fault"
)

// Rule is what a name in tokenizer.ggml.pre stands for, as llama.cpp v0.5.0
// reads it. Patterns apply one after another.
type Rule struct {
	patterns []string
	groups   bool // cuts are first made in numbers, three digits from the right

	Characters   bool // the vocabulary holds characters, not the byte alphabet
	Spaces       bool // spaces are written as U+2581
	IgnoreMerges bool // a word that is a token is not put together from merges
	AddBOS       bool
	addSEP       bool
}

const (
	// Cyrillic, Greek and Latin letters of the first DeepSeek models.
	deepSeekLetters = `[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]`
	cjkHangul       = `[\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}&&[^\s]]+`
	cjkKana         = `[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+`
	asiaAFMoE       = `[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{8C48}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF}\x{FF65}-\x{FF9F}\x{2F00}-\x{2FDF}\x{E40}-\x{E7F}\x{E80}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F}\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+`
	youtuScripts    = `[\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+`
	hanRanges       = `[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2EBEF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]`
	bloomWords      = ` ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+`
	lineRuns        = `[^\n]+|[\n]+`
	defaultPunct    = `[\p{P}\$\+<=>\^~\|]+`
	falconPunct     = "[\\p{P}\\$\\+<=>\\^~\\|`]+"
)

var (
	ruleGPT2      = Rule{patterns: []string{GPT2}}
	ruleDigits    = Rule{patterns: []string{`\p{N}`, GPT2}}
	ruleLlama3    = Rule{patterns: []string{asciiLlama3}}
	ruleQwen2     = Rule{patterns: []string{asciiQwen2}}
	ruleDeepSeek3 = Rule{patterns: []string{`\p{N}{1,3}`, cjkKana, DeepSeek}}
	ruleGPT4o     = Rule{patterns: []string{asciiGPT4o}}
	ruleBloom     = Rule{patterns: []string{bloomWords}}
	ruleGemma4    = Rule{patterns: []string{lineRuns}, Characters: true, Spaces: true}
	ruleBailing   = Rule{patterns: []string{`'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|` + leadWord + `|\p{N}|` + otherLine + `|\s*[\r\n]|\s+(?!\S)|\s+`}}
	ruleAya       = Rule{groups: true, patterns: []string{asciiAya}}

	// asciiAya differs from gpt-4o in what std::regex makes of \p{Lu} and its
	// like in llama.cpp: every one of them means any letter.
	asciiAya = anyLead + `[\p{L}\p{M}]*[\p{L}\p{M}]+` + contractionASCII + `?|` + anyLead + `[\p{L}\p{M}]+[\p{L}\p{M}]*` + contractionASCII + `?|\p{N}{1,3}|` + otherPath + `|` + lineSpace
)

func (r Rule) merged() Rule { r.IgnoreMerges = true; return r }
func (r Rule) bos() Rule    { r.AddBOS = true; return r }
func (r Rule) sep() Rule    { r.addSEP = true; return r }

// rules are all names that llama.cpp v0.5.0 knows.
var rules = map[string]Rule{
	"default": {patterns: []string{defaultPunct, GPT2, `\p{N}+`, `[0-9][0-9][0-9]`}},

	"llama3": ruleLlama3.merged().bos(), "llama-v3": ruleLlama3.merged().bos(), "llama-bpe": ruleLlama3.merged().bos(),
	"falcon3": ruleLlama3.merged().bos(), "falcon-h1": ruleLlama3.merged().bos(), "pixtral": ruleLlama3.merged().bos(),
	"midm-2.0": ruleLlama3.merged().bos(), "lfm2": ruleLlama3.merged().bos(), "jina-v5-nano": ruleLlama3.merged().bos(),
	"dbrx": ruleLlama3, "smaug-bpe": ruleLlama3, "glm4": ruleLlama3, "chatglm-bpe": ruleLlama3,
	"jais-2": {patterns: []string{contractionASCII + `|` + leadWord + `|\p{N}{1,3}|` + otherLine + `|\s*[\r\n]+` +
		`|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}`}},

	"gpt-2": ruleGPT2, "phi-2": ruleGPT2, "jina-es": ruleGPT2, "jina-de": ruleGPT2, "gigachat": ruleGPT2,
	"jina-v2-es": ruleGPT2, "jina-v2-de": ruleGPT2, "a.x-4.0": ruleGPT2, "mellum": ruleGPT2, "modern-bert": ruleGPT2,
	"mpt": ruleGPT2, "olmo": ruleGPT2, "jais": ruleGPT2, "trillion": ruleGPT2, "granite-docling": ruleGPT2, "exaone4": ruleGPT2,
	"jina-v1-en": ruleGPT2.sep(), "jina-v2-code": ruleGPT2.sep(), "roberta-bpe": ruleGPT2.sep(),

	"starcoder": ruleDigits, "refact": ruleDigits, "command-r": ruleDigits, "smollm": ruleDigits,
	"codeshell": ruleDigits, "exaone": ruleDigits, "minerva-7b": ruleDigits, "mellum2": ruleDigits,

	"qwen2": ruleQwen2, "deepseek-r1-qwen": ruleQwen2, "kormo": ruleQwen2, "f2llmv2": ruleQwen2, "megrez": ruleQwen2,
	"stablelm2": ruleQwen2, "hunyuan": ruleQwen2, "solar-open": ruleQwen2, "grok-2": ruleQwen2,
	"qwen35":     {patterns: []string{asciiQwen35}},
	"laguna":     {patterns: []string{lineRuns, asciiQwen2}},
	"ufakzeka":   {patterns: []string{leadWord + `|\p{N}|` + otherLine + `|` + lineSpace}},
	"seed-coder": {patterns: []string{contractionASCII + `|` + leadWord + `|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|` + lineSpace}},
	"minicpm5":   Rule{patterns: []string{`\p{N}{1,3}`, asciiMiniCPM}}.merged(),
	"bailingmoe": ruleBailing, "bailingmoe2": ruleBailing, "llada-moe": ruleBailing,
	"exaone-moe": {patterns: []string{contractionASCII + `|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+`}},

	"deepseek-llm":   {patterns: []string{`[\r\n]`, `\s?` + deepSeekLetters + `+`, `\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3001}-\x{3002}]+`, `\s+\z`, cjkHangul, `\p{N}+`}},
	"deepseek-coder": {patterns: []string{`[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, cjkHangul, `\p{N}`}},
	"deepseek-v3":    ruleDeepSeek3, "hunyuan-dense": ruleDeepSeek3, "joyai-llm": ruleDeepSeek3, "hy_v4": ruleDeepSeek3,
	"spark2_5": {patterns: []string{`\p{N}{1,3}`, cjkKana, "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|" +
		`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+`, `\p{N}`}},
	"youtu": Rule{patterns: []string{youtuScripts, anyLead + `[\p{L}\p{M}]*[\p{L}\p{M}]+` + contractionASCII + `?|` + anyLead + `[\p{L}\p{M}]+[\p{L}\p{M}]*` + contractionASCII + `?|\p{N}|` + otherPath + `|` + lineSpace}}.merged(),
	"afmoe": {groups: true, patterns: []string{asiaAFMoE, DeepSeek}},

	"tekken": Rule{patterns: []string{asciiTekken}}.merged().bos(),
	"gpt-4o": ruleGPT4o, "llama4": ruleGPT4o, "kanana2": ruleGPT4o, "talkie": ruleGPT4o, "minimax-m2": ruleGPT4o,
	"granite-embed-multi-97m": Rule{patterns: []string{asciiGranite}}.merged(),
	"tiny_aya":                ruleAya, "cohere2moe": ruleAya,
	"kimi-k2": {patterns: []string{hanRanges + `+|` + anyLead + `[\p{L}&&[^` + hanRanges + `]]+` + contractionASCII + `?|\p{N}{1,3}|` + otherLine + `|` + lineSpace}},

	"falcon": {patterns: []string{falconPunct, GPT2, `[0-9][0-9][0-9]`}},
	"bloom":  ruleBloom, "gpt3-finnish": ruleBloom, "poro-chat": ruleBloom,
	"viking":    {patterns: []string{bloomWords, `\p{N}`}},
	"superbpe":  {patterns: []string{`\p{N}+`, `(?=([0-9]{3})+(?![0-9]))`}},
	"chameleon": Rule{patterns: []string{`<sentinel:[0-9]+>`, `(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z`, `([\t\n]|    |  )`, `\p{N}`, "[\\p{P}!-/:-@\\[-`{-~]", GPT2}}.bos(),

	"gemma4": ruleGemma4, "granite-embed-multi-311m": ruleGemma4, "sarvam-moe": ruleGemma4,
	"whitespace": {patterns: []string{`\S+`}, Characters: true},
}

// Splitter compiles the rule over llama.cpp's edition of Unicode.
func (r Rule) Splitter() (Splitter, error) {
	rest, err := compilePatterns(r.patterns, Unicode15)
	if err != nil {
		return nil, err
	}
	if r.groups {
		return chain([]Splitter{digitGroups(Unicode15), rest}), nil
	}
	return rest, nil
}

// Names lists the values of tokenizer.ggml.pre that are known.
func Names() []string {
	names := make([]string, 0, len(rules))
	for name := range rules {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Lookup returns the rule of a name; "" is that of files that do not name one.
func Lookup(name string) (Rule, error) {
	if name == "" {
		name = "default"
	}
	r, ok := rules[name]
	if !ok {
		return Rule{}, fault.Op("tokenizer").Unsupported("unknown pre-tokenizer %q in tokenizer.ggml.pre", name)
	}
	return r, nil
}
