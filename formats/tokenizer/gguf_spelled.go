package tokenizer

import (
	"slices"
	"strings"
)

// spellings are the special tokens that llama.cpp knows by their text where
// no key names them. It treats such a token as a control token.
var spellings = map[string][]string{
	"eot": {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<EOT>", "_<EOT>", "[EOT]",
		"<｜end▁of▁sentence｜>", "<end_of_utterance>"},
	"eom":     {"<|eom_id|>"},
	"fim_pre": {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>", "<|prefix|>"},
	"fim_suf": {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>"},
	"fim_mid": {"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>"},
	"fim_pad": {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"},
	"fim_rep": {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"},
	"fim_sep": {"<|file_sep|>"},
}

// endings are tokens that end a generation; they count as control tokens too.
var endings = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>",
	"</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>",
	"<|tool_response>", "<｜end▁of▁sentence｜>", "[e~[",
}

// spelledRoles finds special tokens without a role by their text. It returns
// those that it found.
func (t *Tokenizer) spelledRoles() []int32 {
	var found []int32
	for role, texts := range spellings {
		if t.role(role) != unknown {
			continue
		}
		best := unknown
		for _, text := range texts {
			if id, ok := t.vocab.id(text); ok && (best == unknown || id < best) {
				best = id
			}
		}
		if best != unknown {
			t.special[role] = best
			found = append(found, best)
		}
	}
	return found
}

// spelled finds special tokens by their text, and sets up the search for
// special tokens in texts.
func (l *loader) spelled() {
	control := map[int32]bool{} // control tokens whatever their type says
	plain := map[int32]TokenType{}
	for _, id := range l.spelledRoles() {
		control[id] = true
	}
	for _, text := range endings {
		if id, ok := l.vocab.id(text); ok {
			control[id] = true
		}
	}
	has := func(texts ...string) bool {
		for _, text := range texts {
			if _, ok := l.vocab.id(text); !ok {
				return false
			}
		}
		return true
	}
	for _, text := range []string{"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"} {
		if id, ok := l.vocab.id(text); ok {
			plain[id] = TypeUserDefined
		}
	}
	// Where these tokens end a turn, <|end|> only ends a part of it.
	if has("<|return|>", "<|call|>", "<|end|>") || has("<|call|>", "<|flush|>", "<|end|>") || has("<|calls|>", "<|flush|>", "<|end|>") {
		id, _ := l.vocab.id("<|end|>")
		plain[id] = TypeUserDefined
	}
	if has("<|tool_response>", "</s>") {
		id, _ := l.vocab.id("</s>")
		plain[id] = TypeNormal
	}
	l.mark(control, plain)
}

// mark collects the tokens that are found in text before it is split.
func (l *loader) mark(control map[int32]bool, plain map[int32]TokenType) {
	strip := l.stripRules()
	var ms []marker
	for i, text := range l.vocab.all() {
		id := i
		kind, promoted := l.types[i], control[id]
		if t, ok := plain[id]; ok {
			kind, promoted = t, false
		}
		isControl := promoted || kind == TypeControl || kind == TypeUnknown
		if !isControl && kind != TypeUserDefined {
			continue
		}
		left, right := strip(text)
		ms = append(ms, marker{text: text, id: id, control: isControl, lstrip: left, rstrip: right})
	}
	l.marked = newLongestFirst(ms)
}

// stripRules says which special tokens take the white space around them.
// GGUF files do not say so; llama.cpp goes by the names of models.
func (l *loader) stripRules() func(text string) (left, right bool) {
	name, _ := l.kvs.String("general.name")
	arch, _ := l.kvs.String("general.architecture")
	name = strings.ToLower(name)
	within := func(s string, subs ...string) bool {
		return slices.ContainsFunc(subs, func(sub string) bool { return strings.Contains(s, sub) })
	}
	switch {
	case within(l.pre, "jina-v2-de", "jina-v2-es", "jina-v2-code") || within(arch, "nomic-bert-moe", "jina-bert-v3"):
		return func(text string) (bool, bool) { return text == "<mask>", false }
	case within(name, "phi-3", "phi3"):
		return func(text string) (bool, bool) {
			return false, text != "<unk>" && text != "<s>" && text != "<|endoftext|>"
		}
	case within(name, "modern-bert"):
		return func(text string) (bool, bool) { return text == "[MASK]", false }
	}
	return func(string) (bool, bool) { return false, false }
}
