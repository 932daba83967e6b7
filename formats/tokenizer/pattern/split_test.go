package pattern

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"errors"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/vocabtest"
)

func TestScannersGiveThePiecesOfTheirPatterns(t *testing.T) {
	texts := append(vocabtest.Fuzzed(3000, 4), vocabtest.Broken(500, 5)...)
	texts = append(texts, vocabtest.Sample()...)
	for pattern, build := range handWritten {
		for _, ed := range []*Edition{Unicode15, Unicode16} {
			re, err := CompileRegexp(pattern, ed)
			if err != nil {
				t.Fatal(err)
			}
			slow, fast := isolate(re), build(ed)
			for _, text := range texts {
				want, got := slow(work(text), nil, text), fast(work(text), nil, text)
				if !slices.Equal(got, want) {
					t.Errorf("%.60s\n%q\ngot  %q\nwant %q", pattern, text, got, want)
					break
				}
			}
		}
	}
}

func TestEveryRuleKeepsTheText(t *testing.T) {
	texts := append(vocabtest.Fuzzed(200, 6), vocabtest.Broken(100, 7)...)
	for name, rule := range rules {
		split, err := rule.Splitter()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, text := range texts {
			if got := strings.Join(split(work(text), nil, text), ""); got != text {
				t.Errorf("%s: %q became %q", name, text, got)
				break
			}
		}
	}
}

func TestRulesCutAsTheirPatternsSay(t *testing.T) {
	tests := []struct {
		pre, text string
		want      []string
	}{
		{"gpt-2", "I'm  12 x!", []string{"I", "'m", " ", " 12", " x", "!"}},
		{"llama-bpe", "I'M 12345\n\n x", []string{"I", "'M", " ", "123", "45", "\n\n", " x"}},
		{"qwen2", "ab12\n", []string{"ab", "1", "2", "\n"}},
		{"starcoder", "a 12", []string{"a", " ", "1", "2"}},
		{"gpt-4o", "HTTPServer's X", []string{"HTTPServer's", " X"}},
		{"tekken", "camelCase's", []string{"camel", "Case", "'s"}},
		{"deepseek-v3", "x=1234 你好", []string{"x", "=", "123", "4", " ", "你好"}},
		{"superbpe", "a1234567", []string{"a", "1", "234", "567"}},
		{"afmoe", "ab1234 c", []string{"ab", "1", "234", " c"}},
		{"falcon", "a...1234", []string{"a", "...", "123", "4"}},
		{"kimi-k2", "漢字kana's  漢", []string{"漢字", "kana's", " ", " ", "漢"}},
		{"gemma4", "a b\n\nc", []string{"a b", "\n\n", "c"}},
		{"bloom", "one, two", []string{"one", ",", " two"}},
	}
	for _, test := range tests {
		split, err := rules[test.pre].Splitter()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, split(work(test.text), nil, test.text)); diff != "" {
			t.Errorf("%s %q: %s", test.pre, test.text, diff)
		}
	}
}

func TestRegexSemantics(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          []string // pieces
	}{
		{`a|ab`, "abab", []string{"a", "b", "a", "b"}},
		{`ab|a`, "aba", []string{"ab", "a"}},
		{`a+?b`, "aab", []string{"aab"}},
		{`a{2}`, "aaaaa", []string{"aa", "aa", "a"}},
		{`a{2,3}`, "aaaaaaa", []string{"aaa", "aaa", "a"}},
		{`(ab)+`, "ababa", []string{"abab", "a"}},
		{`a*+a`, "aaa", []string{"aaa"}},
		{`x(?=y)`, "xyxz", []string{"x", "yxz"}},
		{`x(?!y)`, "xyxz", []string{"xy", "x", "z"}},
		{`(?i:ab)c`, "aBcabC", []string{"aBc", "abC"}},
		{`[^a-c\s]+`, "xyz abc", []string{"xyz", " abc"}},
		{`[\p{L}&&[^a-z]]+`, "abÄBc", []string{"ab", "ÄB", "c"}},
		{`[a\-z]+`, "a-zb", []string{"a-z", "b"}},
		{`[]a]+`, "]a[", []string{"]a", "["}},
		{`\x{1F999}|\u00e9`, "🦙é🦙", []string{"🦙", "é", "🦙"}},
		{`\s+$`, "a  \n b  ", []string{"a", "  ", "\n b", "  "}},
		{`\b\w`, "ab cd", []string{"a", "b ", "c", "d"}},
		{`^a`, "aa\na", []string{"a", "a\n", "a"}},
	}
	for _, test := range tests {
		re, err := CompileRegexp(test.pattern, Unicode16)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		if diff := cmp.Diff(test.want, isolate(re)(work(test.text), nil, test.text)); diff != "" {
			t.Errorf("%s on %q: %s", test.pattern, test.text, diff)
		}
	}
}

func TestRefusesPatternsItCannotMatch(t *testing.T) {
	for _, pattern := range []string{`(`, `)`, `[a`, `a{5000}`, `a{3,2}`, `*a`, `(a*)*`, `(?=a)+`, `\1`, `(?<=a)b`, `\p{Nobody}`, `\p{L`, `[z-a]`, `\`,
		`\x{110000000}`, strings.Repeat("(", 1000), strings.Repeat("[", 1000), `((((a{1000}){1000}){1000}){1000})`} {
		if _, err := CompileRegexp(pattern, Unicode16); !errors.Is(err, fault.ErrUnsupported) {
			t.Errorf("%.40s: %v", pattern, err)
		}
	}
}

// work bounds the work on a text of a test.
func work(text string) *Work { return NewWork(context.Background(), len(text)) }

func TestPatternsThatBacktrackForEverEndWithAnError(t *testing.T) {
	for _, pattern := range []string{`(?=(a|a)+b)`, `(?>(a|a)+b)`} {
		re, err := CompileRegexp(pattern, Unicode16)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Repeat("a", 200)
		w := work(text)
		isolate(re)(w, nil, text)
		if !errors.Is(w.Err(), fault.ErrUnsupported) {
			t.Errorf("%s: %v", pattern, w.Err())
		}
	}
}

func TestAllStepsOfATextShareOneBudget(t *testing.T) {
	re, err := CompileRegexp(`(?=(a|a)+b)`, Unicode16)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a", 200)
	w := work(text)
	cuts := 0
	chain(slices.Repeat([]Splitter{func(w *Work, dst []string, s string) []string {
		if w.Err() == nil {
			cuts++
		}
		return isolate(re)(w, dst, s)
	}}, 2000))(w, nil, text)
	if cuts != 1 || w.Err() == nil {
		t.Errorf("%d steps began, %v", cuts, w.Err())
	}
}

// Backtracking alone would take 2^1000 steps.
func TestMatchesInTimeThatGrowsWithTheText(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          int // matches
	}{
		{`(a|a)+b`, strings.Repeat("a", 1000), 0},
		{`(a|a)+b`, strings.Repeat("a", 1000) + "b", 1},
		{`(?:a?){30}a{30}b`, strings.Repeat("a", 500), 0},
		{`(?:(?:a+)+)+[xb](?!c)`, strings.Repeat("a", 1000) + "bc" + strings.Repeat("a", 100) + "b", 1},
	} {
		re, err := CompileRegexp(test.pattern, Unicode16)
		if err != nil {
			t.Fatal(err)
		}
		w, got := work(test.text), 0
		re.Each(w, test.text, func(int, int) { got++ })
		if got != test.want || w.Err() != nil {
			t.Errorf("%s: %d matches, %v", test.pattern, got, w.Err())
		}
	}
}

func TestMatchesWhereGosRegexpDoes(t *testing.T) {
	usual := memoAfter
	defer func() { memoAfter = usual }()
	random := rand.New(rand.NewPCG(3, 4))
	var expr func(deep int) string
	expr = func(deep int) string {
		switch n := random.IntN(9); {
		case deep == 0 || n < 3:
			return []string{"a", "b", "[ab]", "[^a]", "."}[random.IntN(5)]
		case n < 5:
			return expr(deep-1) + expr(deep-1)
		case n < 7:
			return "(?:" + expr(deep-1) + "|" + expr(deep-1) + ")"
		}
		return "(?:" + expr(deep-1) + ")" + []string{"?", "{1,3}", "{2}", "??", "+", "*"}[random.IntN(6)]
	}
	tested := 0
	for range 3000 {
		pattern := expr(4)
		re, err := CompileRegexp(pattern, Unicode16)
		if err != nil {
			continue // a repeat of what can be empty
		}
		reference := regexp.MustCompile("(?s)" + pattern)
		tested++
		for i := range 6 {
			if memoAfter = usual; i < 3 {
				memoAfter = 1 // with the memory from the beginning
			}
			var sb strings.Builder
			for range random.IntN(60) {
				sb.WriteByte("aabc"[random.IntN(4)])
			}
			text := sb.String()
			var got [][]int
			w := work(text)
			re.Each(w, text, func(start, end int) { got = append(got, []int{start, end}) })
			if want := reference.FindAllStringIndex(text, -1); !slices.EqualFunc(got, want, slices.Equal) || w.Err() != nil {
				t.Fatalf("%s in %q: %v, want %v, %v", pattern, text, got, want, w.Err())
			}
		}
	}
	if tested < 1000 {
		t.Errorf("only %d patterns", tested)
	}
}

func TestAnInterruptEndsTheWork(t *testing.T) {
	re, err := CompileRegexp(`(?=(a|a)+b)`, Unicode16)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(context.Background())
	text := strings.Repeat("a", 200)
	w := NewWork(ctx, 1<<40) // steps for hours
	cancel(stop)
	isolate(re)(w, nil, text)
	if !errors.Is(w.Err(), stop) {
		t.Errorf("got %v", w.Err())
	}
}

// What is refused is refused at once: the time limit of tests is the bound.
func TestRefusesPatternsThatOnlyGrow(t *testing.T) {
	for _, pattern := range []string{
		`(){1024}{1024}{1024}{1024}`, `()` + strings.Repeat("{1}", 1<<14), strings.Repeat("a|", 1<<15), strings.Repeat("a{", 1<<15),
		`a` + strings.Repeat("{1}", 1<<14), strings.Repeat("x", 1<<24), `(?:(?:(?:a?){64}){64}){64}`, `[` + strings.Repeat("[a]", 1<<21) + `]`,
	} {
		if _, err := CompileRegexp(pattern, Unicode16); !errors.Is(err, fault.ErrUnsupported) {
			t.Errorf("%.40s: %v", pattern, err)
		}
	}
}

// The tables under the two editions are Go's with additions; this fails when a
// release of Go brings another version of Unicode.
func TestUnicodeEditionsAreFixed(t *testing.T) {
	for want, ed := range map[string]*Edition{
		"15": Unicode15,
		"16": Unicode16,
	} {
		ed.Of('a')
		h := sha256.New()
		for _, c := range ed.table {
			h.Write([]byte{byte(c), byte(c >> 8)})
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != editionDigests[want] {
			t.Errorf("Unicode %s: got %s", want, got)
		}
	}
}

var editionDigests = map[string]string{
	"15": "e5d6df24fe5aa530c0ab07f7ce9684b790586220d7abae26bc860881aeab5af8",
	"16": "cae380aab345b55dcefa981637eb33234467099b7fc469e727302482ef93cc51",
}
