// Package hub reads and writes model repositories of the Hugging Face Hub. A
// repository at one commit is an [fs.FS] whose files are read by HTTP ranges,
// so that package hf opens it like a folder and nothing but the output of a
// conversion touches the disk. Files can also be kept in the cache that the
// Hub's own client reads, and are taken from there where they are complete.
//
// The protocol is that of huggingface_hub 1.29; requests go to no host but the
// endpoint and those it redirects to, and the token to the endpoint alone.
package hub
