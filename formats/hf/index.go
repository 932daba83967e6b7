package hf

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/lfs"
	"github.com/f190792d/mq/formats/internal/pyjson"
)

// Limits of an index. The longest published one names some hundred thousand
// tensors in twenty megabytes.
const (
	maxIndex        = 64 << 20
	maxIndexEntries = 1 << 19
	maxIndexFiles   = 1 << 14
	maxListed       = 100 // names in one error

	shortestEntry = 24 // bytes of most, to make room for them at once
)

// index is the weight_map of a model.safetensors.index.json.
type index struct {
	name  string
	files []string // sorted
	names []string // sorted
	in    []int32  // for each name its position in files
}

// readIndex parses an index token by token: only names and files are kept.
func readIndex(f *Folder, name string) (*index, error) {
	info, err := f.stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxIndex {
		return nil, fault.Op("hf").Folder(f.name).File(name).Corrupt(" is longer than %d bytes", maxIndex)
	}
	file, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	start := bufio.NewReader(io.TeeReader(io.LimitReader(file, maxIndex), sum))
	head, err := start.Peek(lfs.HeadLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err // of whoever holds the file
	}
	if err := lfs.Check(head); err != nil {
		return nil, fault.Op("hf").Folder(f.name).File(name).Corrupt("%w", err)
	}
	entries, err := weightMap(newTokens(pyjson.NewReader(start, "null")), info.Size())
	if err != nil {
		if !errors.Is(err, fault.ErrCorrupt) {
			err = fault.Corrupt("not valid JSON: %w", err)
		}
		return nil, fault.Op("hf").Folder(f.name).File(name).Corrupt("%w", err)
	}
	if _, err := io.Copy(io.Discard, start); err != nil {
		return nil, err
	}
	f.reads.add(name, info.Size(), sum.Sum(nil))
	return newIndex(f, name, entries)
}

// tokens reads JSON tokens of bounded length.
type tokens struct {
	*json.Decoder
	r    io.Reader
	left int // bytes that the decoder may read before the next token
}

const maxToken = 1 << 20

func newTokens(r io.Reader) *tokens {
	t := &tokens{r: r}
	t.Decoder = json.NewDecoder(t)
	return t
}

// Read is the decoder's source.
func (t *tokens) Read(p []byte) (int, error) {
	if t.left <= 0 {
		return 0, fault.Corrupt("a value is longer than %d bytes", maxToken)
	}
	n, err := t.r.Read(p[:min(len(p), t.left)])
	t.left -= n
	return n, err
}

func (t *tokens) next() (json.Token, error) {
	t.left = maxToken
	return t.Token()
}

type indexEntry struct{ name, file string }

func newIndex(f *Folder, name string, entries []indexEntry) (*index, error) {
	slices.SortFunc(entries, func(a, b indexEntry) int { return strings.Compare(a.name, b.name) })
	x := &index{name: name, names: make([]string, len(entries)), in: make([]int32, len(entries))}
	for i, e := range entries {
		if i > 0 && e.name == entries[i-1].name {
			return nil, fault.Op("hf").Folder(f.name).File(name).Tensor(e.name).Corrupt(" occurs twice")
		}
		if i == 0 || e.file != entries[i-1].file {
			x.files = append(x.files, e.file)
		}
	}
	slices.Sort(x.files)
	x.files = slices.Compact(x.files)
	for _, file := range x.files {
		if file == "" || file == "." || file == ".." || strings.ContainsAny(file, "/\\:\x00") {
			return nil, fault.Op("hf").Folder(f.name).File(name).Corrupt("weight_map names %q, which is not a plain file name: an index may not leave its folder", file)
		}
	}
	for i, e := range entries {
		at, _ := slices.BinarySearch(x.files, e.file)
		x.names[i], x.in[i] = e.name, int32(at)
	}
	return x, nil
}

// weightMap walks the top level and collects weight_map; all else is skipped
// without being kept.
func weightMap(dec *tokens, size int64) ([]indexEntry, error) {
	if err := expect(dec, '{', "the index is not a JSON object"); err != nil {
		return nil, err
	}
	var entries []indexEntry
	seen := false
	files := map[string]string{} // one copy of each file name
	for dec.More() {
		key, err := dec.next()
		if err != nil {
			return nil, err
		}
		if key != "weight_map" {
			if err := skip(dec); err != nil {
				return nil, err
			}
			continue
		}
		if seen {
			return nil, fault.Corrupt("weight_map occurs twice")
		}
		seen = true
		entries = make([]indexEntry, 0, min(maxIndexEntries, size/shortestEntry))
		if err := expect(dec, '{', "weight_map is not an object"); err != nil {
			return nil, err
		}
		for dec.More() {
			name, err := dec.next()
			if err != nil {
				return nil, err
			}
			value, err := dec.next()
			if err != nil {
				return nil, err
			}
			file, ok := value.(string)
			if !ok {
				return nil, fault.Corrupt("weight_map: tensor %q has no file name", name)
			}
			if len(entries) == maxIndexEntries {
				return nil, fault.Corrupt("weight_map has more than %d tensors", maxIndexEntries)
			}
			if _, known := files[file]; !known {
				if len(files) == maxIndexFiles {
					return nil, fault.Corrupt("weight_map names more than %d files", maxIndexFiles)
				}
				files[file] = file
			}
			entries = append(entries, indexEntry{name.(string), files[file]})
		}
		if err := expect(dec, '}', "weight_map is broken"); err != nil {
			return nil, err
		}
	}
	if err := expect(dec, '}', "the index is broken"); err != nil {
		return nil, err
	}
	if _, err := dec.next(); !errors.Is(err, io.EOF) {
		return nil, fault.Corrupt("bytes after the index's JSON object")
	}
	if len(entries) == 0 {
		return nil, fault.Corrupt("weight_map is missing or empty")
	}
	return entries, nil
}

func expect(dec *tokens, delim json.Delim, rule string) error {
	token, err := dec.next()
	if err != nil {
		return err
	}
	if token != delim {
		return fault.Corrupt("%s", rule)
	}
	return nil
}

// skip passes over one value of any depth without recursion.
func skip(dec *tokens) error {
	for depth := 0; ; {
		token, err := dec.next()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > 100 {
				return fault.Corrupt("values nest too deeply")
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// check compares the index with what the files hold, both ways.
func (x *index) check(folder string, tensors map[string]Tensor) error {
	var absent, moved, extra []string
	for i, name := range x.names {
		file := x.files[x.in[i]]
		switch t, ok := tensors[name]; {
		case !ok:
			absent = append(absent, fmt.Sprintf("%s (%s)", name, file))
		case t.File != file:
			moved = append(moved, fmt.Sprintf("%s (in %s, not in %s)", name, t.File, file))
		}
	}
	for name, t := range tensors {
		if _, ok := slices.BinarySearch(x.names, name); !ok {
			extra = append(extra, fmt.Sprintf("%s (%s)", name, t.File))
		}
	}
	slices.Sort(extra)
	var rules []string
	for _, list := range []struct {
		says  string
		names []string
	}{
		{"in the index but in no file", absent},
		{"in a file but not in the index", extra},
		{"in another file than the index says", moved},
	} {
		if len(list.names) > 0 {
			rules = append(rules, fmt.Sprintf("%d tensors are %s: %s", len(list.names), list.says, join(list.names)))
		}
	}
	if rules == nil {
		return nil
	}
	return fault.Op("hf").Folder(folder).File(x.name).Corrupt("%s", strings.Join(rules, "; "))
}

// join lists names for a message, and counts those beyond a screenful or two.
func join(names []string) string {
	if len(names) > maxListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return strings.Join(names, ", ")
}
