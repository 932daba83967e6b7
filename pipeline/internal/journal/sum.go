package journal

import (
	"hash/crc32"
	"io"
)

// A checksum tells data from what a stop has left of them or an accident made
// of them: a CRC-32, for which processors have instructions.
type checksum uint32

func sumOf(data []byte) checksum { return checksum(crc32.ChecksumIEEE(data)) }

// sumOfRange reads in small pieces.
func sumOfRange(r io.ReaderAt, off, n int64) (checksum, error) {
	h := crc32.NewIEEE()
	_, err := io.CopyBuffer(struct{ io.Writer }{h}, io.NewSectionReader(r, off, n), make([]byte, 64<<10))
	return checksum(h.Sum32()), err
}
