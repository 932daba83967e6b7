// Package card writes the page of a repository of GGUF files: README.md with
// the front matter that the Hub reads, a table of the files with what reports
// beside them have measured, and the commands that run them.
package card
