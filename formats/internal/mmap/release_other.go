//go:build !linux

package mmap

import "os"

// Release does nothing on this system.
func Release(mapped []byte, off, n int64) {}

// ReleaseFile does nothing on this system.
func ReleaseFile(f *os.File, off, n int64) {}

// ReadFileAhead does nothing on this system, which finds out by itself.
func ReadFileAhead(f *os.File, off, n int64) {}

// FlushFile does nothing on this system.
func FlushFile(f *os.File, off, n int64) {}

// SettleFile does nothing on this system.
func SettleFile(f *os.File, off, n int64) error { return nil }
