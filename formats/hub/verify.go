package hub

import (
	"crypto/sha1" //nolint:gosec // the hash of git
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// verify holds a whole file to the hash that the repository lists: the SHA-256
// of large files, git's own of the others.
func (r *Repo) verify(e *entry, content io.Reader) error {
	h, want := e.hash()
	if want == "" {
		return nil
	}
	if _, err := io.Copy(h, content); err != nil {
		return r.Name.place().File(e.path).IO("%w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return r.Name.place().File(e.path).Corrupt("the content has the hash %s, the repository lists %s", got, want)
	}
	return nil
}

// hash returns the hash that a file has to give; want is empty where the
// repository lists none.
func (e *entry) hash() (h hash.Hash, want string) {
	if e.sha != "" {
		return sha256.New(), e.sha
	}
	h = sha1.New() //nolint:gosec // the hash of git
	fmt.Fprintf(h, "blob %d\x00", e.size)
	return h, e.oid
}
