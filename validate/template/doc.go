// Package template renders chat templates within bounds of time and memory: a
// template comes from anywhere. It stands apart from package validate so that
// programs which do not render templates do not link an engine.
package template
