package jinja

import (
	"strings"
	"unicode"
)

var builtinTests map[string]func(*run, any, callArgs) bool

func init() {
	builtinTests = map[string]func(*run, any, callArgs) bool{
		"defined":   plainTest(func(v any) bool { return !isA[*undefined](v) }),
		"undefined": plainTest(isA[*undefined]),
		"none":      plainTest(func(v any) bool { return v == nil }),
		"boolean":   plainTest(isA[bool]),
		"true":      plainTest(func(v any) bool { return v == true }),
		"false":     plainTest(func(v any) bool { return v == false }),
		"integer":   plainTest(isA[int64]),
		"float":     plainTest(isA[float64]),
		"number":    plainTest(func(v any) bool { _, ok := real(v); return ok }),
		"string":    plainTest(func(v any) bool { _, ok := asText(v); return ok }),
		"mapping":   plainTest(isA[*Dict]),
		"escaped":   plainTest(isA[markup]),
		"iterable": plainTest(func(v any) bool {
			_, isText := asText(v)
			return isText || isA[list](v) || isA[tuple](v) || isA[*Dict](v) || isA[*iterator](v) || isA[*undefined](v) || isA[*loopState](v)
		}),
		"sequence": plainTest(func(v any) bool {
			_, isText := asText(v)
			_, isSequence := sequence(v)
			return isText || isSequence || isA[*Dict](v) || isA[*undefined](v)
		}),
		"callable": plainTest(func(v any) bool { return isA[*function](v) || isA[*undefined](v) || isA[*loopState](v) }),
		"lower": func(r *run, v any, _ callArgs) bool {
			return cased(unicode.IsLower, unicode.IsUpper)(r, r.str(v), callArgs{}).(bool)
		},
		"upper": func(r *run, v any, _ callArgs) bool {
			return cased(unicode.IsUpper, unicode.IsLower)(r, r.str(v), callArgs{}).(bool)
		},
		"odd":  func(r *run, v any, _ callArgs) bool { return r.equal(r.binary("%", v, int64(2)), int64(1)) },
		"even": func(r *run, v any, _ callArgs) bool { return r.equal(r.binary("%", v, int64(2)), int64(0)) },
		"divisibleby": func(r *run, v any, a callArgs) bool {
			return r.equal(r.binary("%", v, r.params("divisibleby", a, "num")[0]), int64(0))
		},
		"sameas": func(r *run, v any, a callArgs) bool { return same(v, r.params("sameas", a, "other")[0]) },
		"filter": func(r *run, v any, _ callArgs) bool { _, ok := builtinFilters[r.str(v)]; return ok },
		"test":   func(r *run, v any, _ callArgs) bool { _, ok := builtinTests[r.str(v)]; return ok },
	}
	for op, names := range map[string]string{
		"==": "eq equalto ==", "!=": "ne !=", "<": "lt lessthan <", "<=": "le <=", ">": "gt greaterthan >", ">=": "ge >=", "in": "in",
	} {
		for name := range strings.FieldsSeq(names) {
			builtinTests[name] = func(r *run, v any, a callArgs) bool { return r.holds(op, v, r.params(name, a, "other")[0]) }
		}
	}
}

func isA[T any](v any) bool { _, ok := v.(T); return ok }

// plainTest is a test without arguments.
func plainTest(holds func(any) bool) func(*run, any, callArgs) bool {
	return func(r *run, v any, a callArgs) bool {
		r.params("the test", a)
		return holds(v)
	}
}
