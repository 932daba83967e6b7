// Package gotemplate writes chat templates in the language of Ollama. It reads
// no Jinja: it renders a model's own template for a few conversations of
// unmistakable words, takes the text around the words for that of the turns,
// writes a Go template of it, and demands that both templates give equal text
// on conversations that neither has seen.
package gotemplate
