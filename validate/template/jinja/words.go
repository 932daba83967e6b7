package jinja

import (
	"maps"
	"slices"
)

// Unknown returns the filters, tests and functions that a template names and
// that are none of Jinja's or transformers', each kind in order.
func (t *Template) Unknown() (filters, tests, functions []string) {
	for name := range t.words.filters {
		if builtinFilters[name] == nil && !slices.Contains(unrendered, name) {
			filters = append(filters, name)
		}
	}
	for name := range t.words.tests {
		if builtinTests[name] == nil {
			tests = append(tests, name)
		}
	}
	for name := range t.words.called {
		if t.given(name) {
			functions = append(functions, name)
		}
	}
	slices.Sort(filters)
	slices.Sort(tests)
	slices.Sort(functions)
	return filters, tests, functions
}

// unrendered are filters of Jinja's that no chat template has a use for.
var unrendered = []string{"filesizeformat", "groupby", "pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr"}

// given is whether a name is of those that a template is given a value for.
func (t *Template) given(name string) bool {
	return !t.words.assigned[name] && globals.names[name] == nil && !slices.Contains([]string{"loop", "caller", "varargs", "kwargs"}, name)
}

// Variables returns the names that a template reads and does not set, in order.
func (t *Template) Variables() []string {
	var all []string
	for name := range t.words.read {
		if t.given(name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// Filters returns the names of the filters of a template, in order.
func (t *Template) Filters() []string { return slices.Sorted(maps.Keys(t.words.filters)) }

// Tags returns the names of the statements of a template, in order.
func (t *Template) Tags() []string { return slices.Sorted(maps.Keys(t.words.tags)) }
