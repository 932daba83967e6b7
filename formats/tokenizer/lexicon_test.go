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
		if back, found := l.text(id); id != want || !ok || back != text || !found {
			t.Errorf("%s: id %d, text %q", text, id, back)
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

func TestLexiconFindsManyTextsAtOnce(t *testing.T) {
	l := newLexicon(0, 0)
	const count = 5000
	for i := range count {
		l.put("token"+strconv.Itoa(i), int32(i))
	}
	if a, b, ok := l.table(); !ok {
		t.Fatalf("rows %d and %d are the same", a, b)
	}
	var some batch
	for from := 0; from < count+100; from += len(some.texts) - 1 {
		for i := range some.texts {
			some.texts[i] = "token" + strconv.Itoa(from+i)
		}
		some.texts[7] = "tok" // a part of one
		some.find(l, len(some.texts)-1)
		for i, row := range some.rows[:len(some.texts)-1] {
			want := int32(from + i)
			if i == 7 || want >= count {
				want = -1
			}
			if row != want || l.find(some.texts[i]) != int(want) {
				t.Fatalf("%q: row %d", some.texts[i], row)
			}
		}
	}
	l.put("token3", 9)
	l.put("token4", 10)
	if a, b, ok := l.table(); ok || a != 3 || b != count {
		t.Errorf("rows %d and %d are the same, %v", a, b, ok)
	}
	once := l.unique()
	if id, _ := once.id("token4"); id != 10 || once.len() != count {
		t.Errorf("token4 of %d has id %d", once.len(), id)
	}
}

func TestMergesMayMakeAnyToken(t *testing.T) {
	l := newLexicon(4, 8)
	for id, text := range []string{"a", "b", "ab", "aba", "bb"} {
		l.put(text, int32(id))
	}
	l.table()
	for _, test := range []struct {
		left, right string
		last, want  int
	}{{"a", "b", -1, 2}, {"a", "b", 2, 2}, {"ab", "a", 2, 3}, {"b", "b", 0, 4}, {"a", "bb", 1, -1}, {"bb", "b", 4, -1}} {
		j := &joiner{tokens: l, last: test.last}
		if got := j.next(test.left, test.right); got != test.want {
			t.Errorf("%s + %s behind %d: %d", test.left, test.right, test.last, got)
		}
	}
}
