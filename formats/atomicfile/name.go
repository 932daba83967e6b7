package atomicfile

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// reserved are the names that Windows keeps for devices, with any extension.
var reserved = []string{
	"CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
	"LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
}

// checkName refuses names that the system would take for something else.
func checkName(path string) error {
	if runtime.GOOS != "windows" {
		return nil
	}
	if rule := windowsRule(filepath.Base(path)); rule != "" {
		return fault.File(path).Invalid("Windows does not allow the name: %s", rule)
	}
	return nil
}

// windowsRule says what is wrong with the name of a file under Windows, which
// opens a device in its place, drops its end or takes a part of it for a
// stream; empty where nothing is.
func windowsRule(name string) string {
	stem, _, _ := strings.Cut(name, ".")
	switch {
	case slices.Contains(reserved, strings.ToUpper(strings.TrimSpace(stem))):
		return stem + " is a device"
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return "it ends with a point or a space"
	case strings.ContainsAny(name, `<>:"|?*`):
		return `it has one of < > : " | ? *`
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return "it has a control character"
	}
	return ""
}
