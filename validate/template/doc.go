// Package template renders chat templates, which are written in Jinja, within
// bounds of time and memory: a template comes from anywhere. It stands apart
// from package validate so that programs which do not render templates do not
// link a template engine.
package template
