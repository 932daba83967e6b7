package pattern

// Compile gives the Splitter for a pattern: the hand-written scanner
// where there is one, else the regular expression.
func Compile(pattern string, ed *Edition) (Splitter, error) {
	if split, ok := Scanner(pattern, ed); ok {
		return split, nil
	}
	re, err := CompileRegexp(pattern, ed)
	if err != nil {
		return nil, err
	}
	return isolate(re), nil
}

func compilePatterns(patterns []string, ed *Edition) (Splitter, error) {
	rules := make([]Splitter, len(patterns))
	for i, p := range patterns {
		var err error
		if rules[i], err = Compile(p, ed); err != nil {
			return nil, err
		}
	}
	return chain(rules), nil
}
