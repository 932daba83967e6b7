package pattern

// A Splitter appends the pieces of s to dst: it cuts s and drops nothing
// (unless it says so). Rules follow one another, each on the pieces of the
// rule before, as if each piece were a text of its own.
type Splitter func(w *Work, dst []string, s string) []string

// scanner returns the length of the first piece of s, which is not empty.
type scanner func(s string) int

// scan cuts with a hand-written scanner.
func scan(next scanner) Splitter {
	return func(w *Work, dst []string, s string) []string {
		for s != "" {
			n := next(s)
			if !w.Spend(1 + n/8) {
				return dst
			}
			dst = append(dst, s[:n])
			s = s[n:]
		}
		return dst
	}
}

// isolate cuts out every match; what lies between two matches is a piece.
func isolate(re *Regexp) Splitter {
	return func(w *Work, dst []string, s string) []string {
		at := 0
		re.Each(w, s, func(start, end int) {
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
func chain(rules []Splitter) Splitter {
	if len(rules) == 1 {
		return rules[0]
	}
	return func(w *Work, dst []string, s string) []string {
		pieces := []string{s}
		var next []string
		for _, rule := range rules {
			next = next[:0]
			for _, p := range pieces {
				if !w.Spend(1) {
					return dst
				}
				next = rule(w, next, p)
			}
			pieces, next = next, pieces
		}
		return append(dst, pieces...)
	}
}
