package validate

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

const tokensKey = "tokenizer.ggml.tokens"

// vocabulary checks the tokenizer: its arrays against each other, its size
// against the embedding, its ids, merges and a round trip.
func (v *validation) vocabulary(ctx context.Context) {
	kvs := v.kvs
	model, ok := kvs.String("tokenizer.ggml.model")
	if !ok {
		if !kvs.Has(tokensKey) {
			v.add(Finding{Check: Vocabulary, Severity: Warning, Key: "tokenizer.ggml.model", Message: "the file has no vocabulary: programs that read text cannot use it"})
			v.done(Vocabulary, "none")
			return
		}
		v.add(Finding{Check: Vocabulary, Severity: Fail, Key: "tokenizer.ggml.model", Message: "it is missing or not a string"})
	}
	tokens, ok := kvs.Strings(tokensKey)
	if !ok {
		if model == "none" || model == "no_vocab" {
			v.skip(Vocabulary, "the file says that it has none")
			return
		}
		v.add(Finding{Check: Vocabulary, Severity: Fail, Key: tokensKey, Message: "it is missing or no array of strings"})
		v.done(Vocabulary, "broken")
		return
	}
	say := func(s Severity, key, format string, args ...any) {
		v.add(Finding{Check: Vocabulary, Severity: s, Key: key, Message: fmt.Sprintf(format, args...)})
	}
	for _, name := range []string{"token_embd.weight", "output.weight"} {
		if t, ok := v.tensors[name]; ok && t.Rows() != int64(len(tokens)) {
			say(Fail, tokensKey, "%d tokens for the %d rows of %s", len(tokens), t.Rows(), name)
		}
	}
	if n, ok := kvs.Uint(v.Arch + ".vocab_size"); ok && n != uint64(len(tokens)) {
		say(Fail, v.Arch+".vocab_size", "it is %d for %d tokens", n, len(tokens))
	}
	checkTypes(kvs, len(tokens), say)
	checkScores(kvs, len(tokens), say)
	checkIDs(kvs, len(tokens), say)
	t, err := tokenizer.FromGGUF(kvs)
	if err != nil || !t.MergesTokens() {
		checkMerges(kvs, tokens, say)
	}
	switch {
	case err != nil && v.failed(Vocabulary):
	case err != nil && structural(err):
		say(Fail, "", "%v", err)
	case err != nil:
		say(Warning, "", "%v", err)
	default:
		v.tokens = t
		roundTrip(ctx, t, say)
	}
	v.done(Vocabulary, "%s, %d tokens", model, len(tokens))
}

// failed reports whether a check has a failure already.
func (v *validation) failed(check string) bool {
	for _, f := range v.Findings {
		if f.Check == check && f.Severity == Fail {
			return true
		}
	}
	return false
}

// sayer records a finding about a key.
type sayer func(s Severity, key, format string, args ...any)

func checkTypes(kvs gguf.KVs, tokens int, say sayer) {
	const key = "tokenizer.ggml.token_type"
	if !kvs.Has(key) {
		return
	}
	types, ok := kvs.Ints(key)
	switch {
	case !ok:
		say(Fail, key, "it is not an array of integers")
	case len(types) != tokens:
		say(Fail, key, "%d entries for %d tokens", len(types), tokens)
	}
	for id, t := range types {
		if t < 0 || t > int64(tokenizer.TypeByte) {
			say(Fail, key, "token %d has the unknown type %d", id, t)
			return
		}
	}
}

func checkScores(kvs gguf.KVs, tokens int, say sayer) {
	const key = "tokenizer.ggml.scores"
	if !kvs.Has(key) {
		return
	}
	scores, ok := kvs.Floats(key)
	switch {
	case !ok:
		say(Fail, key, "it is not an array of numbers")
	case len(scores) != tokens:
		say(Fail, key, "%d entries for %d tokens", len(scores), tokens)
	}
	for id, x := range scores {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			say(Fail, key, "the score of token %d is %v", id, x)
			return
		}
	}
}

// checkIDs holds the ids of special tokens to the vocabulary.
func checkIDs(kvs gguf.KVs, tokens int, say sayer) {
	for _, kv := range kvs {
		if !strings.HasPrefix(kv.Key, "tokenizer.ggml.") || !strings.HasSuffix(kv.Key, "_token_id") {
			continue
		}
		if _, ok := kv.Value.(uint32); !ok {
			say(Fail, kv.Key, "the value is of type %T and should be of type uint32", kv.Value)
		} else if id := kv.Value.(uint32); int64(id) >= int64(tokens) {
			say(Fail, kv.Key, "token %d is out of the %d tokens", id, tokens)
		}
	}
	for _, key := range []string{"tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_space_prefix"} {
		if _, ok := kvs.Bool(key); kvs.Has(key) && !ok {
			say(Fail, key, "the value is not a bool")
		}
	}
}

// checkMerges looks up the two halves and the result of every merge.
func checkMerges(kvs gguf.KVs, tokens []string, say sayer) {
	const key = "tokenizer.ggml.merges"
	merges, ok := kvs.Strings(key)
	if !ok {
		if kvs.Has(key) {
			say(Fail, key, "it is not an array of strings")
		}
		return
	}
	known := make(map[string]bool, len(tokens))
	for _, t := range tokens {
		known[t] = true
	}
	unresolved, first := 0, ""
	for i, m := range merges {
		if why := unresolvedMerge(m, known); why != "" {
			if unresolved == 0 {
				first = fmt.Sprintf("merge %d %q: %s", i, m, why)
			}
			unresolved++
		}
	}
	if unresolved > 0 {
		say(Fail, key, "%s (%d of %d merges do not resolve)", first, unresolved, len(merges))
	}
}

// unresolvedMerge says what is wrong with a merge. The first character may
// be the space that divides all others.
func unresolvedMerge(m string, known map[string]bool) string {
	if m == "" {
		return "it is empty"
	}
	at := strings.IndexByte(m[1:], ' ') + 1
	if at < 1 || at == len(m)-1 {
		return "it is not two strings"
	}
	for _, part := range []string{m[:at], m[at+1:], m[:at] + m[at+1:]} {
		if !known[part] {
			return fmt.Sprintf("%q is not a token", part)
		}
	}
	return ""
}

// roundTrip encodes a text and decodes it. Vocabularies that fold case or
// spaces cannot give it back.
func roundTrip(ctx context.Context, t *tokenizer.Tokenizer, say sayer) {
	switch t.Model() {
	case "gpt2", "llama":
	default:
		return
	}
	ids, err := t.Encode(ctx, eval.PromptText, tokenizer.Options{})
	switch {
	case ctx.Err() != nil: // the caller sees it, too
	case err != nil:
		say(Fail, tokensKey, "%v", err)
	case t.Decode(ids) != eval.PromptText:
		say(Warning, tokensKey, "a text that is encoded and decoded does not come back as it was")
	}
}
