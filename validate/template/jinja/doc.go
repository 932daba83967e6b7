// Package jinja renders chat templates as transformers renders them: Jinja2
// with trimmed blocks, in a sandbox whose lists and dictionaries cannot be
// changed, with loop controls, the generation tag, and tojson, strftime_now
// and raise_exception as transformers defines them. Values behave as Python's
// do, down to how they are printed; what raises there is an error here.
//
// A template comes from anywhere. It reaches nothing but the values it is
// given, and a rendering has a budget of steps, bytes and time that every
// expression and filter draws from before it allocates.
package jinja
