// Package journal writes GGUF files so that none is ever found broken under
// its name: under temporary names, with a journal of finished ranges, checked
// and synced before each gets its own name. A run that was stopped resumes
// from its journal.
package journal
