// Package pipeline makes GGUF files from a Hugging Face checkpoint or from
// another GGUF file: it plans them, finds out types and importance where they
// are not given, checks memory and disk, writes with a journal that a stopped
// run resumes from, and proves each file against its source before the file
// gets its name.
//
// [FromCheckpoint] and [FromGGUF] plan a [Job] and report everything that can
// be wrong before the first byte is written; [Job.Run] does the work.
// [Rederive] makes a file again and compares it byte by byte.
package pipeline
