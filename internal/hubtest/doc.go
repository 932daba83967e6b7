// Package hubtest is a Hugging Face Hub for tests: repositories in memory,
// served with the redirects, headers, error codes and upload protocol of the
// real one, and with faults on demand. The Hub's own Python client downloads
// from it and uploads to it in a test.
package hubtest
