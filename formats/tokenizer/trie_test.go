package tokenizer

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestTrieFindsTheLongestKeyThatBeginsAText(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(longest int) string {
		var sb strings.Builder
		for range random.IntN(longest + 1) {
			sb.WriteByte("abc\xff"[random.IntN(4)])
		}
		return sb.String()
	}
	for range 300 {
		keys, values := make([]string, random.IntN(40)), make([]int32, 40)
		for i := range keys {
			keys[i], values[i] = word(12), int32(random.IntN(1000))
		}
		find := newTrie(keys, values)
		for range 50 {
			text := word(16)
			n, value := 0, int32(0)
			for i, k := range keys {
				if k != "" && len(k) >= n && strings.HasPrefix(text, k) {
					n, value = len(k), values[i]
				}
			}
			if got, v := find.longest(text); got != n || v != value {
				t.Fatalf("%q in %q: %d bytes, value %d, want %d, %d", text, keys, got, v, n, value)
			}
		}
	}
}

func TestTrieIsNoLargerThanItsKeys(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	find := newTrie([]string{long, long + "a", long + "b", "y"}, []int32{1, 2, 3, 4})
	if len(find.value) != 5 || len(find.edges) != 1<<20+3 {
		t.Errorf("%d nodes, %d bytes", len(find.value), len(find.edges))
	}
}
