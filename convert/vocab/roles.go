package vocab

import (
	"fmt"

	"github.com/f190792d/mq/formats/fault"
)

// specialVocab collects the key-values that follow the tokens: merges, the
// special tokens by role, whether they are added to texts, the chat template.
// Order and contents are those of the reference converter.
type specialVocab struct {
	roles    []string // special tokens that are looked for
	limit    int      // ids from here on do not count; 0 for no limit
	merges   []string
	ids      ordered[int64]
	add      ordered[bool]
	chat     any    // string, list of named templates, or nil
	chatFile string // that chat is from

	lower, accents *bool
	notes          []string
}

// ordered is a map that keeps the order of first insertion.
type ordered[T any] struct {
	keys   []string
	values map[string]T
}

func (o *ordered[T]) set(key string, v T) {
	if o.values == nil {
		o.values = map[string]T{}
	}
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

func (o *ordered[T]) has(key string) bool { _, ok := o.values[key]; return ok }

// setID names the token of a role, the first time only; file is what names it.
// The id -1 says that there is none.
func (v *specialVocab) setID(file, role string, id int64) error {
	if id == -1 {
		if !v.ids.has(role) {
			v.notes = append(v.notes, fmt.Sprintf("tokenizer: %s: %s_token_id is -1: the model has no such token", file, role))
		}
		return nil
	}
	if id < 0 {
		return fault.Op("tokenizer").File(file).Corrupt("%s_token_id is %d", role, id)
	}
	if (v.limit == 0 || id < int64(v.limit)) && !v.ids.has(role) {
		v.ids.set(role, id)
	}
	return nil
}

// roleNames are the roles that configurations have a token for.
var roleNames = []string{"bos", "eos", "unk", "sep", "pad", "cls", "mask"}
