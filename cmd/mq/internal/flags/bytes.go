package flags

import (
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/fault"
)

// Size reads the value of a flag that is a file size.
func Size(flag, text string) (int64, error) {
	n, err := ui.ParseBytes(text)
	if err != nil {
		return 0, fault.Invalid("%s: %w", flag, err)
	}
	if n <= 0 {
		return 0, fault.Invalid("%s %s: want a size above zero", flag, text)
	}
	return n, nil
}
