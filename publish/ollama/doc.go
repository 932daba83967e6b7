// Package ollama puts GGUF files where Ollama finds them: into its store on
// this machine, into a running server through its API, or into a registry. A
// model is a manifest that names its layers by their SHA-256: the file as it
// is, the chat template in Go's template language, parameters, licenses.
//
// Chat templates in GGUF files are written in Jinja, which Ollama does not
// read. The package derives a Go template from what the Jinja template
// renders, and holds the two to equal text on sample conversations.
package ollama
