package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/formats/atomicfile"
)

// note is the file that remembers an upload in parts while it goes on: where
// the parts go and which are there. The addresses in it are signed, so that
// only the user may read it.
type note struct {
	path string // empty: nothing is remembered
}

// noteOf returns the note of a file of a repository.
func (c *Client) noteOf(n Name, o *object) *note {
	if c.o.Unfinished == "" {
		return &note{}
	}
	sum := sha256.Sum256([]byte(c.endpoint.String() + "\n" + n.ID() + "\n" + o.sha))
	return &note{filepath.Join(c.o.Unfinished, hex.EncodeToString(sum[:16])+".json")}
}

// read returns an upload that was begun, nil where there is none.
func (n *note) read() *upload {
	const most = 8 << 20 // 10,000 addresses
	if n.path == "" {
		return nil
	}
	data, err := atomicfile.ReadFile(n.path, most)
	u := &upload{note: n, resumed: true}
	if err != nil || json.Unmarshal(data, u) != nil || u.Upload.Href == "" || len(u.ETags) == 0 {
		return nil
	}
	return u
}

// write remembers the parts that have arrived. A note that is cut off by a
// stop is none.
func (n *note) write(u *upload) error {
	if n.path == "" {
		return nil
	}
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(n.path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(n.path, data, 0o600)
}

// drop forgets an upload that has ended: its file is there, or its addresses
// take nothing any more.
func (n *note) drop(err error) {
	if n.path != "" && (err == nil || errors.Is(err, errExpired)) {
		_ = os.Remove(n.path) // what stays is refused by the Hub later
	}
}
