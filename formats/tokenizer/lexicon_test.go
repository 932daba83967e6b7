package tokenizer

import (
	"strconv"
	"testing"
)

func TestLexiconFindsTextsByIDAndIDsByText(t *testing.T) {
	l := newLexicon(0, 0) // grows many times
	const count = 5000
	for i := range count {
		if _, known := l.add("token"+strconv.Itoa(i), int32(count-1-i)); known {
			t.Fatalf("token%d is there already", i)
		}
	}
	if old, known := l.add("token7", count); !known || old != count-8 {
		t.Errorf("token7 had id %d, %v", old, known)
	}
	if _, _, ok := l.seal(count + 1); !ok || l.len() != count {
		t.Errorf("%d texts, %v", l.len(), ok)
	}
	for i := range count {
		want := int32(count - 1 - i)
		if i == 7 {
			want = count
		}
		text := "token" + strconv.Itoa(i)
		id, ok := l.id(text)
		joined := l.joined("tok", text[3:])
		if back, found := l.text(id); id != want || !ok || joined != want || back != text || !found {
			t.Errorf("%s: id %d, joined %d, text %q", text, id, joined, back)
		}
	}
	for _, text := range []string{"", "token", "token5000", "token07"} {
		if id, ok := l.id(text); ok || id != unknown {
			t.Errorf("%q has id %d", text, id)
		}
	}
	if text, ok := l.text(count - 8); ok {
		t.Errorf("the old id of token7 is %q", text)
	}
}

func TestLexiconRefusesOneIDForTwoTexts(t *testing.T) {
	l := newLexicon(2, 2)
	l.add("b", 3)
	l.add("a", 3)
	if a, b, ok := l.seal(4); ok || a != "a" || b != "b" {
		t.Errorf("%q, %q, %v", a, b, ok)
	}
}

func TestMergesMayMakeAnyToken(t *testing.T) {
	l := newLexicon(4, 8)
	for id, text := range []string{"a", "b", "ab", "aba", "bb"} {
		l.add(text, int32(id))
	}
	l.seal(5)
	for _, test := range []struct {
		left, right string
		last, want  int32
	}{{"a", "b", unknown, 2}, {"a", "b", 2, 2}, {"ab", "a", 2, 3}, {"b", "b", 0, 4}, {"a", "bb", 1, unknown}} {
		if got := l.next(test.left, test.right, test.last); got != test.want {
			t.Errorf("%s + %s behind %d: %d", test.left, test.right, test.last, got)
		}
	}
}
