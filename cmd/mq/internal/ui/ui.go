package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/f190792d/mq/formats/fault"
)

// Console is where a command speaks. Its methods may be called from several
// goroutines.
type Console struct {
	Out, Err io.Writer
	JSON     bool   // events and results as JSON on Out
	Quiet    bool   // no progress, no notes
	Color    string // ColorAuto, where it is empty

	// Fetched counts the bytes that came over a network, which steps show.
	Fetched atomic.Int64

	mu sync.Mutex
}

// Output is a stream that remembers its first failed write, so that a command
// need not look at each of its lines.
type Output struct {
	io.Writer

	mu  sync.Mutex
	err error
}

// Write passes p on.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

// Err returns the error of the first write that failed.
func (o *Output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// Terminal reports whether w is a terminal, and its width in columns.
func Terminal(w io.Writer) (width int, ok bool) {
	if o, wrapped := w.(*Output); wrapped {
		w = o.Writer
	}
	file, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// Note prints a line for people on stderr.
func (c *Console) Note(format string, args ...any) {
	if c.Quiet || c.JSON {
		return
	}
	c.line(format, args...)
}

// Good prints a line for people on stderr that begins with good news.
func (c *Console) Good(news, format string, args ...any) {
	if !c.Quiet && !c.JSON {
		c.styled(green, news, fmt.Sprintf(format, args...))
	}
}

// Commands prints what one may type next.
func (c *Console) Commands(lines ...string) {
	if c.Quiet || c.JSON || len(lines) == 0 {
		return
	}
	c.raw("next:\n")
	for _, line := range lines {
		c.raw("  " + c.paint(dim, fault.Printable(line)) + "\n")
	}
}

// Fail prints why a command has failed.
func (c *Console) Fail(message string) { c.raw(c.paint(red, "mq:") + " " + message + "\n") }

// line prints a line in which names of files and tensors cannot do anything to
// the terminal.
func (c *Console) line(format string, args ...any) { c.styled("", "", fmt.Sprintf(format, args...)) }

// styled prints a line, broken to the width of a terminal, whose first words
// have a style.
func (c *Console) styled(s style, first, rest string) {
	columns, _ := Terminal(c.Err)
	text := wrapped(fault.Printable(first+rest), columns)
	if head := fault.Printable(first); head != "" && strings.HasPrefix(text, head) {
		text = c.paint(s, head) + text[len(head):]
	}
	c.raw(text + "\n")
}

// raw writes to stderr.
func (c *Console) raw(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprint(c.Err, text)
}

// Warn prints a line on stderr even when quiet; in JSON mode it is an event.
func (c *Console) Warn(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if c.JSON {
		c.Event("warning", map[string]any{"message": message})
		return
	}
	c.styled(yellow, "warning:", " "+message)
}

// Event prints one JSON object with a type on a line of stdout. In text mode
// it prints nothing.
func (c *Console) Event(kind string, fields map[string]any) {
	if !c.JSON {
		return
	}
	event := map[string]any{"type": kind}
	for key, value := range fields {
		event[key] = value
	}
	c.Object(event)
}

// Object prints any value as one JSON line on stdout.
func (c *Console) Object(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		line = []byte(fmt.Sprintf(`{"type":"error","message":%q}`, err.Error()))
	}
	c.print(line)
}

// Typed prints an object whose first field is its type.
func (c *Console) Typed(kind string, value any) {
	line, err := json.Marshal(value)
	if err != nil || len(line) < 2 || line[0] != '{' {
		c.Object(map[string]any{"type": kind, "value": value})
		return
	}
	head := fmt.Sprintf(`{"type":%q`, kind)
	if line[1] != '}' {
		head += ","
	}
	c.print(append([]byte(head), line[1:]...))
}

// Schema is the version of what is printed as JSON: fields are added without
// raising it, and neither removed nor given another meaning.
const Schema = 1

// print writes a line of JSON; an object begins with its schema.
func (c *Console) print(line []byte) {
	if rest, ok := bytes.CutPrefix(line, []byte("{")); ok {
		comma := ","
		if bytes.HasPrefix(rest, []byte("}")) {
			comma = ""
		}
		line = fmt.Appendf(nil, `{"schema":%d%s%s`, Schema, comma, rest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.Out, "%s\n", line)
}

// Printf prints data on stdout.
func (c *Console) Printf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.Out, format, args...)
}

// Wrote names a finished file: the last line of stdout of every command that
// writes one.
func (c *Console) Wrote(path string) {
	if c.JSON {
		c.Event("output", map[string]any{"path": path})
		return
	}
	c.Printf("%s\n", path)
}

// Table prints rows with aligned columns; the first row is the heading.
func (c *Console) Table(w io.Writer, rows [][]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(table, "\t")
			}
			fmt.Fprint(table, cell)
		}
		fmt.Fprintln(table)
	}
	table.Flush()
}
