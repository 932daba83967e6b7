package cli

import (
	"errors"

	"github.com/f190792d/mq/convert/vocab"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/quantize"
)

// advice says which option helps against what a library reports: libraries
// know the rules and not the command line. The first that fits is given.
var advice = []struct {
	about error
	says  string
}{
	{atomicfile.ErrExists, "--force replaces it"},
	{atomicfile.ErrUnfinished, "go on with it by --resume, or drop it by --force"},
	{quantize.ErrFallback, "leave --no-fallback out to allow it"},
	{quantize.ErrQuantized, "--allow-requantize permits that"},
	{vocab.ErrPre, "--pre NAME takes the named one nevertheless"},
	{quantize.ErrUncovered, "give it a type that requires none with --tensor-type NAME=TYPE, drop its layer with --prune-layers, or collect again with more text"},
	{quantize.ErrNoImportance, "give one with --imatrix, or collect one with --imatrix-from"},
}

// advised returns the message of an error with the option that helps.
func advised(err error) string {
	for _, a := range advice {
		if errors.Is(err, a.about) {
			return err.Error() + "; " + a.says
		}
	}
	return err.Error()
}
