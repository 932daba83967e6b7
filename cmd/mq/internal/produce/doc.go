// Package produce writes GGUF files so that none is ever found broken under a
// good name: under temporary names with a journal of what is finished, checked
// and synced before they get their own. A run that was stopped goes on from
// its journal.
package produce
