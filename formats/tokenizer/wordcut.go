package tokenizer

import "strings"

// wordCut finds places in a text, always before a U+2581, that no token
// reaches over, so that models without a pre-tokenizer can take one word at a
// time and keep its ids.
type wordCut struct {
	off   bool      // nothing is known about such places
	joins [256]bool // a token may reach over them after a character that ends in this byte
}

// join notes that left and right may become one.
func (c *wordCut) join(left, right string) {
	if left != "" && strings.HasPrefix(right, lowBlock) && !strings.HasSuffix(left, lowBlock) {
		c.joins[left[len(left)-1]] = true
	}
}

// next is the length of the first word of s.
func (c *wordCut) next(s string) int {
	if c.off {
		return len(s)
	}
	behind := false // of a character that is no U+2581 and joins nothing
	for i := 0; i < len(s); {
		if !strings.HasPrefix(s[i:], lowBlock) {
			i += leadLen(s[i:])
			behind = !c.joins[s[i-1]]
			continue
		}
		if behind {
			return i
		}
		i += len(lowBlock)
	}
	return len(s)
}

// wordCache keeps the ids of short words.
type wordCache map[string][]int32

const (
	cacheWords = 1 << 14
	cacheBytes = 64 // longest word in the cache
)

// note keeps the ids of a word.
func (c wordCache) note(word string, ids []int32) {
	if len(word) > cacheBytes {
		return
	}
	if len(c) >= cacheWords {
		clear(c)
	}
	c[strings.Clone(word)] = append([]int32(nil), ids...)
}
