package gguf

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/f190792d/mq/formats/fault"
)

// The keys of a part of a split set.
const (
	splitNoKey      = "split.no"            // u16: the part's index from 0
	splitCountKey   = "split.count"         // u16: the number of parts
	splitTensorsKey = "split.tensors.count" // i32: the tensors of all parts
)

var splitName = regexp.MustCompile(`^(.+)-(\d{5})-of-(\d{5})\.gguf$`)

// SplitPath returns the path of part i, from 0, of n: PREFIX-00001-of-00003.gguf.
func SplitPath(prefix string, i, n int) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, i+1, n)
}

// ParseSplitPath takes the path of a part of a split set to pieces: the index
// i counts from 0.
func ParseSplitPath(path string) (prefix string, i, n int, ok bool) {
	dir, base := filepath.Split(path)
	m := splitName.FindStringSubmatch(base)
	if m == nil {
		return "", 0, 0, false
	}
	i, _ = strconv.Atoi(m[2]) // five digits
	n, _ = strconv.Atoi(m[3])
	return dir + m[1], i - 1, n, 1 <= i && i <= n
}

// openSet opens the other parts of the set that the given part belongs to.
func openSet(path string, given *part, count uint64) (*File, error) {
	f := &File{parts: []*part{given}} // closes what is open on failure
	base := filepath.Base(path)
	prefix, at, n, ok := ParseSplitPath(path)
	if !ok || uint64(n) != count {
		f.Close()
		no, _ := given.kvs.Uint(splitNoKey)
		return nil, fault.Op("gguf").File(base).Corrupt("this is part %d of %d of a split set; name its parts like %s", no+1, count, SplitPath("NAME", int(no), int(count)))
	}
	parts := make([]*part, n)
	for i := range parts {
		p, err := given, error(nil)
		if i != at {
			if p, err = openPart(SplitPath(prefix, i, n)); err == nil {
				f.parts = append(f.parts, p)
			} else if errors.Is(err, fs.ErrNotExist) {
				err = fault.Op("gguf").File(base).Corrupt("part %d of %d is missing: there is no %s beside it", i+1, n, filepath.Base(SplitPath(prefix, i, n)))
			}
		}
		if err == nil {
			err = p.checkSplit(i, n)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		parts[i] = p
	}
	return joinSet(path, parts)
}

// OpenParts opens the files of a split set, in their order, whatever their
// names. A single path is a file of its own.
func OpenParts(paths []string) (*File, error) {
	if len(paths) == 1 {
		return OpenPart(paths[0])
	}
	if len(paths) == 0 {
		return nil, fault.Op("gguf").Invalid("a split set without a part")
	}
	f := &File{} // closes what is open on failure
	for i, path := range paths {
		p, err := openPart(path)
		if err == nil {
			f.parts = append(f.parts, p)
			err = p.checkSplit(i, len(paths))
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
	return joinSet(paths[0], f.parts)
}

// checkSplit holds a part to the place that its name gives it.
func (p *part) checkSplit(i, n int) error {
	base := filepath.Base(p.name)
	if no, ok := p.kvs.Uint(splitNoKey); !ok || no != uint64(i) {
		return fault.Op("gguf").File(base).Key(splitNoKey).Corrupt("the value should be %d, as the name says", i)
	}
	if count, ok := p.kvs.Uint(splitCountKey); !ok || count != uint64(n) {
		return fault.Op("gguf").File(base).Key(splitCountKey).Corrupt("the value should be %d, as the name says", n)
	}
	return nil
}

func joinSet(path string, parts []*part) (*File, error) {
	f, err := join(path, parts)
	if err != nil {
		return nil, err
	}
	if want, ok := f.kvs.Int(splitTensorsKey); ok && want != int64(len(f.tensors)) {
		f.Close()
		return nil, fault.Op("gguf").File(filepath.Base(parts[0].name)).Key(splitTensorsKey).Corrupt("the set should have %d tensors but its %d parts have %d", want, len(parts), len(f.tensors))
	}
	f.kvs = withoutSplit(f.kvs)
	return f, nil
}

// withoutSplit returns a copy of kvs without the keys of a split set.
func withoutSplit(kvs KVs) KVs {
	kvs = kvs.Clone()
	for _, key := range []string{splitNoKey, splitCountKey, splitTensorsKey} {
		kvs.Delete(key)
	}
	return kvs
}
