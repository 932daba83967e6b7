package pattern

// A splitter appends the pieces of s to dst: it cuts s and drops nothing
// (unless it says so). Rules follow one another, each on the pieces of the
// rule before, as if each piece were a text of its own.
type splitter func(dst []string, s string) []string

// scanner returns the length of the first piece of s, which is not empty.
type scanner func(s string) int

// scan cuts with a hand-written scanner.
func scan(next scanner) splitter {
	return func(dst []string, s string) []string {
		for s != "" {
			n := next(s)
			dst = append(dst, s[:n])
			s = s[n:]
		}
		return dst
	}
}

// isolate cuts out every match; what lies between two matches is a piece.
func isolate(re *regex) splitter {
	return func(dst []string, s string) []string {
		at := 0
		re.Each(s, func(start, end int) {
			if at < start {
				dst = append(dst, s[at:start])
			}
			if start < end {
				dst = append(dst, s[start:end])
			}
			at = end
		})
		if at < len(s) {
			dst = append(dst, s[at:])
		}
		return dst
	}
}

// chain applies rules in order.
func chain(rules []splitter) splitter {
	if len(rules) == 1 {
		return rules[0]
	}
	return func(dst []string, s string) []string {
		pieces := []string{s}
		var next []string
		for _, rule := range rules {
			next = next[:0]
			for _, p := range pieces {
				next = rule(next, p)
			}
			pieces, next = next, pieces
		}
		return append(dst, pieces...)
	}
}

// compilePattern gives the splitter for a pattern: the hand-written scanner
// where there is one, else the regular expression.
func Compile(pattern string, ed *Edition) (splitter, error) {
	if split, ok := Scanner(pattern, ed); ok {
		return split, nil
	}
	re, err := CompileRegexp(pattern, ed)
	if err != nil {
		return nil, err
	}
	return isolate(re), nil
}

func compilePatterns(patterns []string, ed *Edition) (splitter, error) {
	rules := make([]splitter, len(patterns))
	for i, p := range patterns {
		var err error
		if rules[i], err = Compile(p, ed); err != nil {
			return nil, err
		}
	}
	return chain(rules), nil
}
