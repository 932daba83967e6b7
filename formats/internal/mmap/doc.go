// Package mmap maps files into memory for reading and gives the system hints
// about pages that are no longer needed. Where a system has no such call, Map
// fails and the hints do nothing.
package mmap
