// Package ollamatest holds what mq writes for Ollama against Ollama itself:
// its server lists, shows and runs models that mq put into its store, takes
// one through its API, and pulls one that mq pushed to a registry. The test
// needs the tag client and MQ_OLLAMA, the program; build.sh makes it from the
// sources of the Go module.
package ollamatest
