// Package vocabtest has what the tests of tokenizers share: texts on which
// their rules differ, and vocabularies of the large test material.
package vocabtest

import (
	_ "embed"
	"strconv"
	"strings"
)

// The texts also serve the scripts that ask the reference libraries.
var (
	//go:embed pool.txt
	poolFile string
	//go:embed sample.txt
	sampleFile string
)

// splitMix is the generator of internal/fixtures/tokenizer/texts.py.
type splitMix uint64

func (s *splitMix) next(n int) int {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return int((z ^ z>>31) % uint64(n))
}

// pool reads what fuzzed strings are made of.
func pool() (fragments []string, ranges [][2]rune) {
	unescape := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t")
	for _, line := range strings.Split(poolFile, "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		switch kind {
		case "f":
			fragments = append(fragments, unescape.Replace(rest))
		case "r":
			lo, hi, _ := strings.Cut(rest, "-")
			a, _ := strconv.ParseInt(lo, 16, 32)
			b, _ := strconv.ParseInt(hi, 16, 32)
			ranges = append(ranges, [2]rune{rune(a), rune(b)})
		}
	}
	return fragments, ranges
}

// Fuzzed makes the strings that texts.py makes.
func Fuzzed(count int, seed uint64) []string {
	fragments, ranges := pool()
	rng := splitMix(seed)
	out := make([]string, count)
	for i := range out {
		var sb strings.Builder
		for range 1 + rng.next(24) {
			var part string
			if rng.next(3) > 0 {
				part = fragments[rng.next(len(fragments))]
			} else {
				r := ranges[rng.next(len(ranges))]
				part = string(r[0] + rune(rng.next(int(r[1]-r[0]+1))))
			}
			times := 1
			if rng.next(8) == 0 {
				times += rng.next(5)
			}
			sb.WriteString(strings.Repeat(part, times))
		}
		out[i] = sb.String()
	}
	return out
}

// Broken makes byte strings that are not always UTF-8.
func Broken(count int, seed uint64) []string {
	rng := splitMix(seed)
	out := Fuzzed(count, seed)
	for i, text := range out {
		raw := []byte(text)
		for range rng.next(4) {
			at := rng.next(len(raw))
			raw[at] = byte(rng.next(256))
		}
		out[i] = string(raw[:1+rng.next(len(raw))])
	}
	return out
}

// Sample returns the texts of sample.txt.
func Sample() []string { return strings.Split(sampleFile, "\n%%\n") }
