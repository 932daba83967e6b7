// Package clienttest holds mq's files against a real client: llama.cpp,
// through node-llama-cpp. The test needs the tag client and MQ_CLIENT, the
// folder of client.mjs with the package installed; .ci/run sets both.
package clienttest
