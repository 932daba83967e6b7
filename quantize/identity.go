package quantize

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/f190792d/mq/formats/imatrix"
)

// WriteIdentity writes to w, which may be a hash, all that decides the bytes of
// the outputs beside the sources' data: headers, types, importance weights.
func (p *Plan) WriteIdentity(w io.Writer) error {
	for _, f := range p.Files {
		header := f.HeaderBytes()
		if _, err := fmt.Fprintf(w, "file %d\n", len(header)); err != nil {
			return err
		}
		if _, err := w.Write(header); err != nil {
			return err
		}
	}
	for _, c := range p.Tensors {
		if _, err := fmt.Fprintf(w, "%q %d %d %s %s\n", c.Info.Name, c.File, c.Source, c.From, c.Info.Type); err != nil {
			return err
		}
		if c.weights == nil {
			continue
		}
		for _, values := range []any{c.weights.entry.Sums, c.weights.entry.Counts} {
			if err := binary.Write(w, binary.LittleEndian, values); err != nil {
				return err
			}
		}
	}
	return nil
}

// ImportanceBytes is the memory that the importance weights in use take.
func (p *Plan) ImportanceBytes() int64 {
	seen := map[*imatrix.Entry]bool{}
	var n int64
	for _, c := range p.Tensors {
		if c.weights != nil && !seen[c.weights.entry] {
			seen[c.weights.entry] = true
			n += 4 * int64(len(c.weights.entry.Sums))
		}
	}
	return n
}
