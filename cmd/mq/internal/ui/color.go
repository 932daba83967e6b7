package ui

import "os"

// When stderr is coloured.
const (
	ColorAuto   = "auto" // on a terminal, unless NO_COLOR is set
	ColorAlways = "always"
	ColorNever  = "never"
)

// Colors are the values of --color.
var Colors = []string{ColorAuto, ColorAlways, ColorNever}

// style is how a terminal writes: the parameter of SGR.
type style string

const (
	bold   style = "1"
	dim    style = "2"
	red    style = "1;31"
	green  style = "32"
	yellow style = "33"
)

// colored reports whether stderr takes colours.
func (c *Console) colored() bool {
	switch c.Color {
	case ColorAlways:
		return true
	case ColorNever:
		return false
	}
	_, terminal := Terminal(c.Err)
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// paint writes a text in a style where stderr takes colours.
func (c *Console) paint(s style, text string) string {
	if !c.colored() {
		return text
	}
	return "\033[" + string(s) + "m" + text + "\033[0m"
}
