package unpack

import (
	"regexp"
	"strings"

	"github.com/f190792d/mq/formats/hf"
)

// own returns the bits and the group size of the matrix where the
// configuration sets them for it alone: GPTQModel by patterns, of which the
// first that matches the start of the name decides, AutoRound by name or
// pattern.
func (m *module) own(bits, size int64) (int64, int64, error) {
	set, ok := m.dynamic()
	if !ok {
		set, ok = m.extra()
	}
	if !ok {
		return bits, size, nil
	}
	bits, err := set.IntOr("bits", bits)
	if err != nil {
		return 0, 0, err
	}
	size, err = set.IntOr("group_size", size)
	return bits, size, err
}

// dynamic finds the settings of GPTQModel for the matrix.
func (m *module) dynamic() (hf.Config, bool) {
	all, ok := m.method.Config.Sub("dynamic")
	if !ok {
		return hf.Config{}, false
	}
	for key := range all.Values() {
		pattern, excluded := strings.CutPrefix(key, "-:")
		if re, err := regexp.Compile("^(?:" + strings.TrimPrefix(pattern, "+:") + ")"); !excluded && err == nil && re.MatchString(m.prefix) {
			return all.Sub(key)
		}
	}
	return hf.Config{}, false
}

// extra finds the settings of AutoRound for the matrix.
func (m *module) extra() (hf.Config, bool) {
	all, ok := m.method.Config.Sub("extra_config")
	if !ok {
		return hf.Config{}, false
	}
	if set, ok := all.Sub(m.prefix); ok {
		return set, true
	}
	for key := range all.Values() {
		if re, err := regexp.Compile("^(?:" + key + ")$"); err == nil && re.MatchString(m.prefix) {
			return all.Sub(key)
		}
	}
	return hf.Config{}, false
}
