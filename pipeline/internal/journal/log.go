package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
)

// A log tells a later run what this one has finished. It is a text file:
// the identity of the run in the first line, then a line for each range of
// bytes that was written, with its checksum. Every line ends with a checksum
// of its own, so that one that was cut short is known. What the journal says
// of the data is checked against them when it is read, so that it need not
// wait for the disk.
type log struct {
	path string
	mu   sync.Mutex
	f    *os.File
}

// identity is what must agree for a run to go on with another's work.
type identity struct {
	Version string   `json:"version"` // of mq
	Source  string   `json:"source"`  // digest of the inputs
	Plan    string   `json:"plan"`    // digest of the outputs
	Files   []string `json:"files"`   // base names of the outputs
	Format  string   `json:"-"`       // of the journal, if it is not that of this mq
}

// record is a finished range of one of the files, or its readiness to get its
// name.
type record struct {
	file   int
	off, n int64
	sum    checksum // of the data
	named  bool
}

// formats and a number begin the first line; format is what is written.
const (
	formats = "mq-journal-"
	format  = formats + "2"
)

// journalPath is where the journal lies of a run whose first output is path.
func journalPath(path string) string {
	dir, base := filepath.Split(path)
	return dir + "." + base + ".mq-journal"
}

// createLog starts a journal.
func createLog(path string, id identity) (*log, error) {
	if err := ownJournal(path); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.File(path).IO("cannot replace the journal: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fault.File(path).IO("cannot create the journal: %w", err)
	}
	j := &log{path: path, f: f}
	text, err := json.Marshal(id)
	if err == nil {
		err = j.append(format + " " + string(text))
	}
	if err != nil {
		j.drop()
		return nil, err
	}
	return j, nil
}

// ownJournal refuses what lies under a journal's name and is none of ours: a
// link would lead the writing elsewhere.
func ownJournal(path string) error {
	f, err := atomicfile.OpenOwn(path, os.O_RDONLY)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, atomicfile.ErrForeign):
		return taken(path, err)
	case err != nil:
		return fault.File(path).IO("cannot open the journal: %w", err)
	}
	return f.Close()
}

func taken(path string, err error) error {
	return fault.File(path).Invalid("the journal's name is taken: %w", err)
}

// readLog opens the journal of an earlier run. It is nil where there is
// none, or where the run was stopped before it had said what it does.
func readLog(path string) (*log, identity, []record, error) {
	f, err := atomicfile.OpenOwn(path, os.O_RDWR)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, identity{}, nil, nil
	case errors.Is(err, atomicfile.ErrForeign):
		return nil, identity{}, nil, taken(path, err)
	case err != nil:
		return nil, identity{}, nil, fault.File(path).IO("cannot open the journal: %w", err)
	}
	id, records, size, err := parse(f)
	if err != nil {
		f.Close()
		return nil, id, nil, fault.File(path).IO("cannot read the journal: %w", err)
	}
	if size == 0 {
		return nil, id, nil, f.Close()
	}
	if id.Format != "" { // whoever wrote it can go on with it
		return &log{path: path, f: f}, id, nil, nil
	}
	// A line that was cut short goes, so that the next one does not join it.
	if err = f.Truncate(size); err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, id, nil, fault.File(path).IO("cannot go on with the journal: %w", err)
	}
	return &log{path: path, f: f}, id, records, nil
}

// longestLine is that of the identity, with the names of all outputs.
const longestLine = 4 << 20

// parse reads up to the first line that is not whole; size is the length of
// those before it.
func parse(r io.Reader) (id identity, records []record, size int64, err error) {
	lines := bufio.NewReader(r)
	for first := true; ; first = false {
		line, err := readLine(lines)
		if err != nil {
			return id, nil, 0, err
		}
		text, ok := checked(line)
		if ok && first {
			kind, head, _ := strings.Cut(text, " ")
			ok = strings.HasPrefix(kind, formats) && json.Unmarshal([]byte(head), &id) == nil
			if ok && kind != format {
				id.Format = kind
				return id, nil, int64(len(line)), nil
			}
		} else if ok {
			var r record
			if r, ok = parseRecord(text); ok {
				records = append(records, r)
			}
		}
		if !ok {
			return id, records, size, nil
		}
		size += int64(len(line))
	}
}

// readLine returns a line with its end, or what is there of one: at the end of
// the file, or of a line that is too long.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		if err == nil || errors.Is(err, io.EOF) || len(line) > longestLine {
			return string(line), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
	}
}

// checked takes the checksum off a line and reports whether it is whole.
func checked(line string) (string, bool) {
	at := strings.LastIndexByte(line, ' ')
	if at < 0 || !strings.HasSuffix(line, "\n") {
		return "", false
	}
	return line[:at], line[at+1:] == lineSum(line[:at])
}

func lineSum(text string) string {
	return fmt.Sprintf("%08x\n", sumOf([]byte(text)))
}

func parseRecord(text string) (r record, ok bool) {
	fields := strings.Fields(text)
	number := func(i, base, bits int) uint64 {
		v, err := strconv.ParseUint(fields[i], base, bits)
		ok = ok && err == nil
		return v
	}
	ok = len(fields) == 2 && fields[0] == "named" || len(fields) == 5 && fields[0] == "wrote"
	if !ok {
		return r, false
	}
	r.named = len(fields) == 2
	r.file = int(number(1, 10, 64))
	if !r.named {
		r.off, r.n, r.sum = int64(number(2, 10, 64)), int64(number(3, 10, 64)), checksum(number(4, 16, 32))
	}
	return r, ok && r.file >= 0 && r.off >= 0 && r.n >= 0
}

// wrote records a finished range.
func (j *log) wrote(r record) error {
	return j.append(r.String())
}

func (r record) String() string {
	if r.named {
		return fmt.Sprintf("named %d", r.file)
	}
	return fmt.Sprintf("wrote %d %d %d %08x", r.file, r.off, r.n, r.sum)
}

// named records that a file is whole, checked and about to get its name.
func (j *log) named(file int) error {
	if err := j.append(record{file: file, named: true}.String()); err != nil {
		return err
	}
	if err := j.f.Sync(); err != nil {
		return fault.File(j.path).IO("cannot sync the journal: %w", err)
	}
	return nil
}

func (j *log) append(text string) error {
	var line bytes.Buffer
	line.WriteString(text)
	line.WriteByte(' ')
	line.WriteString(lineSum(text))
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.f.Write(line.Bytes()); err != nil {
		return fault.File(j.path).IO("cannot write the journal: %w", err)
	}
	return nil
}

// keep closes the journal for a later run.
func (j *log) keep() { j.f.Close() }

// drop removes the journal.
func (j *log) drop() {
	j.f.Close()
	os.Remove(j.path)
}
