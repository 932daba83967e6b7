package gguf

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/f190792d/mq/formats/fault"
)

const magic = "GGUF"

// lookalike is a file that is no GGUF file but is often taken for one.
type lookalike struct {
	at     int
	prefix string
	class  func(fault.Place, string, ...any) error
	is     string
}

var lookalikes = []lookalike{
	{0, "FUGG", fault.Place.Unsupported, "is a GGUF file in big-endian order, which mq does not read; convert it to little-endian order"},
	{0, "lmgg", fault.Place.Unsupported, "is a GGML file of 2023, which has no key-values; convert the original checkpoint again"},
	{0, "fmgg", fault.Place.Unsupported, "is a GGMF file of 2023, which has no key-values; convert the original checkpoint again"},
	{0, "tjgg", fault.Place.Unsupported, "is a GGJT file of 2023, which has no key-values; convert the original checkpoint again"},
	{0, "algg", fault.Place.Unsupported, "is a GGLA adapter of 2023; convert the original adapter again"},
	{8, "{", fault.Place.Unsupported, "is a safetensors file; convert the folder that it lies in"},
	{0, "PK\x03\x04", fault.Place.Unsupported, "is a zip archive, probably a PyTorch checkpoint; save it as safetensors and convert that"},
	{0, "\x80\x02", fault.Place.Unsupported, "is a Python pickle, probably a PyTorch checkpoint; save it as safetensors and convert that"},
	{0, "\x1f\x8b", fault.Place.Unsupported, "is compressed with gzip; unpack it first"},
	{0, "version https://git-lfs", fault.Place.Corrupt, "is a Git LFS pointer, not the file itself; run git lfs pull"},
	{0, "<", fault.Place.Corrupt, "is a web page, not a model; download it again"},
	{0, "{", fault.Place.Unsupported, "is a JSON file"},
	{0, "\x00\x00\x00\x00", fault.Place.Corrupt, "begins with zeros, as a file does whose writer was stopped; write or download it again"},
}

// checkMagic consumes the magic or says what the file is instead.
func (d *decoder) checkMagic() {
	if d.err != nil {
		return
	}
	head, err := d.r.Peek(int(min(d.size, 32)))
	switch {
	case err != nil && err != io.EOF:
		d.readError(err)
		return
	case bytes.HasPrefix(head, []byte(magic)):
		d.next(len(magic))
		return
	case len(head) == 0:
		d.err = d.place.Corrupt("the file is empty")
		return
	}
	for _, l := range lookalikes {
		if len(head) >= l.at && bytes.HasPrefix(head[l.at:], []byte(l.prefix)) {
			d.err = l.class(d.place, "the file %s", l.is)
			return
		}
	}
	d.err = d.place.Corrupt("the file begins with %q, not with %q", head[:min(4, len(head))], magic)
}

// version reads the version and refuses those that mq does not read.
func (d *decoder) version() uint32 {
	b := d.next(4)
	if d.err != nil {
		return 0
	}
	v := binary.LittleEndian.Uint32(b)
	switch {
	case v == 2 || v == 3:
	case v == 0:
		d.fail(fault.Place.Corrupt, "the version is 0")
	case v == 1:
		d.fail(fault.Place.Unsupported, "version 1 is no longer in use; convert the original checkpoint again")
	case v&0xffff == 0:
		d.fail(fault.Place.Unsupported, "the file is in big-endian order, which mq does not read; convert it to little-endian order")
	default:
		d.fail(fault.Place.Unsupported, "version %d is newer than version 3", v)
	}
	return v
}
