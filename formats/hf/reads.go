package hf

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
)

// Digest is a file by its content.
type Digest struct {
	Name   string
	Size   int64
	SHA256 string // in hexadecimal
}

// reads are the small files that were read from a folder.
type reads struct {
	mu   sync.Mutex
	list map[string]Digest
}

func (r *reads) add(name string, size int64, sum []byte) {
	if r == nil {
		return // nobody asks for the reads of the folder
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.list == nil {
		r.list = map[string]Digest{}
	}
	r.list[name] = Digest{name, size, hex.EncodeToString(sum)}
}

// Reads lists the small files that were read from the folder, as they were
// then: configuration, vocabulary, templates, card and index.
func (f *Folder) Reads() []Digest {
	if f.reads == nil {
		return nil
	}
	f.reads.mu.Lock()
	defer f.reads.mu.Unlock()
	var list []Digest
	for _, d := range f.reads.list {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Digest) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Unrecorded returns the same folder without a list of what is read from now
// on: no hashes are computed.
func (f *Folder) Unrecorded() *Folder {
	other := *f
	other.reads = nil
	return &other
}

// record notes a file that was read whole.
func (f *Folder) record(name string, data []byte) {
	if f.reads == nil {
		return
	}
	sum := sha256.Sum256(data)
	f.reads.add(name, int64(len(data)), sum[:])
}
