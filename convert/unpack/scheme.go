package unpack

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/hf"
)

// scheme is how compressed-tensors quantized the weights of a module.
type scheme struct {
	bits, size int64
	zeros      bool // codes are not symmetric: there are zero points
	ordered    bool // groups are of columns here and there
}

// scheme finds the group of the configuration that a module belongs to: by its
// name, or by a pattern, or else by its class.
func (m *module) scheme() (scheme, error) {
	groups, ok := m.method.Config.Sub("config_groups")
	if !ok {
		return scheme{}, m.corrupt("%s has no \"config_groups\", which say how many bits its codes have", m.method.Source)
	}
	names := make([]string, 0, len(groups.Values()))
	for name := range groups.Values() {
		names = append(names, name)
	}
	slices.Sort(names)
	best, chosen := -1, hf.Config{}
	for _, name := range names {
		group, ok := groups.Sub(name)
		if !ok {
			continue
		}
		targets, err := group.Strings("targets")
		if err != nil {
			return scheme{}, err
		}
		for _, target := range targets {
			if rank := matches(target, m.prefix); rank > best {
				best, chosen = rank, group
			}
		}
	}
	if best < 0 {
		return scheme{}, m.corrupt("%s has no group for it", m.method.Source)
	}
	bits, err := chosen.Int("weights.num_bits")
	if err != nil {
		return scheme{}, err
	}
	size, err := chosen.IntOr("weights.group_size", 0)
	if err != nil {
		return scheme{}, err
	}
	if bits < 1 || bits > 8 {
		return scheme{}, m.corrupt("%s says that its codes have %d bits", m.method.Source, bits)
	}
	s := scheme{bits: bits, size: size}
	symmetric, err := chosen.BoolOr("weights.symmetric", true)
	kind, _ := chosen.StringOr("weights.type", "int")
	order, _ := chosen.StringOr("weights.actorder", "")
	s.zeros, s.ordered = !symmetric && kind == "int", order == "group"
	return s, err
}

// stated holds what the configuration says of a module, where it does, to what
// the format of its tensors leaves no choice of.
func (m *module) stated(bits, size int64) error {
	if m.method.Method != "compressed-tensors" || !m.method.Config.Has("config_groups") {
		return nil
	}
	s, err := m.scheme()
	if err != nil {
		return err
	}
	if s.bits != bits || size > 0 && s.size > 0 && s.size != size {
		return m.corrupt("%s says that its codes have %d bits in groups of %d, but they are of %d bits in groups of %d", m.method.Source, s.bits, s.size, bits, size)
	}
	return nil
}

// matches ranks how closely a target means a module: 2 for its name or a
// pattern, 0 for a class, -1 where it does not.
func matches(target, module string) int {
	if pattern, ok := strings.CutPrefix(target, "re:"); ok {
		re, err := regexp.Compile("^(?:" + pattern + ")")
		if err == nil && re.MatchString(module) {
			return 2
		}
		return -1
	}
	switch {
	case target == module:
		return 2
	case strings.Contains(target, "."), path.Ext(module) == "."+target:
		return -1
	}
	return 0 // a class of modules, of which every quantized one is
}
