package quantize

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/dlclark/regexp2"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// An Override gives every tensor whose name its pattern finds a type,
// whatever the recipe says.
type Override struct {
	Pattern string
	Type    gguf.Type
	match   func(name string) bool
}

// Match reports whether the pattern is found anywhere in the name.
func (o Override) Match(name string) bool { return o.match != nil && o.match(name) }

// ParseOverride reads "REGEX=TYPE". The pattern follows ECMAScript, as
// llama-quantize has it, and like there its letters are taken as lower case.
func ParseOverride(s string) (Override, error) {
	pattern, name, ok := strings.Cut(s, "=")
	if !ok || pattern == "" || name == "" {
		return Override{}, fault.Op("quantize").Invalid("tensor type %q is not of the form REGEX=TYPE", s)
	}
	t, ok := gguf.ParseType(name)
	if !ok {
		return Override{}, fault.Op("quantize").Unsupported("tensor type %q: no type is named %q", s, name)
	}
	pattern = lower(pattern)
	match, err := compile(pattern)
	if err != nil {
		return Override{}, fault.Op("quantize").Invalid("tensor type %q: %w", s, err)
	}
	return Override{pattern, t, match}, nil
}

// ParseOverrides reads a tensor type file: overrides divided by white space.
func ParseOverrides(text string) ([]Override, error) {
	var list []Override
	for _, s := range strings.Fields(text) {
		o, err := ParseOverride(s)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// lower makes letters lower case, but not those of escapes such as \D.
func lower(pattern string) string {
	b := []byte(pattern)
	for i := range b {
		escaped := i > 0 && b[i-1] == '\\' && (i < 2 || b[i-2] != '\\')
		if 'A' <= b[i] && b[i] <= 'Z' && !escaped {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// compile prefers the standard engine, which is linear in time. Look-ahead
// and back references, which it lacks, take the backtracking one.
func compile(pattern string) (func(string) bool, error) {
	if re, err := regexp.Compile(pattern); err == nil {
		return re.MatchString, nil
	}
	re, err := regexp2.Compile(pattern, regexp2.ECMAScript)
	if err != nil {
		return nil, err
	}
	return func(name string) bool {
		found, err := re.MatchString(name)
		return found && err == nil
	}, nil
}

// firstMatch returns the type of the first override that finds name.
func firstMatch(overrides []Override, name string) (gguf.Type, bool) {
	for _, o := range overrides {
		if o.Match(name) {
			return o.Type, true
		}
	}
	return 0, false
}

// A KVOverride sets one key-value of the quantized file. Value is a uint32,
// float32, bool or string.
type KVOverride struct {
	Key   string
	Value any
}

// maxOverride is the longest key and string that llama-quantize takes.
const maxOverride = 127

// kvKinds are the spellings of values in "KEY=KIND:VALUE".
var kvKinds = []struct {
	prefix string
	parse  func(string) (any, error)
}{
	{"int:", func(s string) (any, error) {
		// The sign is dropped, as llama-quantize does.
		n, err := strconv.ParseUint(strings.TrimPrefix(s, "-"), 10, 32)
		return uint32(n), err
	}},
	{"float:", func(s string) (any, error) {
		f, err := strconv.ParseFloat(s, 64)
		return float32(f), err
	}},
	{"bool:", func(s string) (any, error) {
		if s != "true" && s != "false" {
			return nil, strconv.ErrSyntax
		}
		return s == "true", nil
	}},
	{"str:", func(s string) (any, error) {
		if len(s) > maxOverride {
			return nil, strconv.ErrRange
		}
		return s, nil
	}},
}

// ParseKVOverride reads "KEY=int:1", "KEY=float:0.5", "KEY=bool:true" or
// "KEY=str:text".
func ParseKVOverride(s string) (KVOverride, error) {
	key, value, _ := strings.Cut(s, "=")
	if key == "" || len(key) > maxOverride {
		return KVOverride{}, fault.Op("quantize").Invalid("key-value %q is not of the form KEY=TYPE:VALUE", s)
	}
	for _, kind := range kvKinds {
		rest, ok := strings.CutPrefix(value, kind.prefix)
		if !ok {
			continue
		}
		v, err := kind.parse(rest)
		if err != nil {
			return KVOverride{}, fault.Op("quantize").Invalid("key-value %q: the value is not a valid %s", s, strings.TrimSuffix(kind.prefix, ":"))
		}
		return KVOverride{key, v}, nil
	}
	return KVOverride{}, fault.Op("quantize").Invalid("key-value %q: the type is not one of int, float, bool, str", s)
}

// overriddenInt returns the integer that the overrides give key. The first
// one counts where rules are chosen, though the last one is written.
func overriddenInt(overrides []KVOverride, key string) (int, bool) {
	for _, o := range overrides {
		if n, ok := o.Value.(uint32); ok && o.Key == key {
			return int(n), true
		}
	}
	return 0, false
}
