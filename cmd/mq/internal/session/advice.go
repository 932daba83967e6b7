package session

import (
	"errors"
	"fmt"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/convert/vocab"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/quantize"
)

// Advice says which option helps against what a library reports: libraries
// know the rules and not the command line. The first that fits is given.
var Advice = []struct {
	About error
	Says  string
}{
	{arch.ErrClass, "--as CLASS reads it as a class that is, --arch FILE by a description"},
	{hf.ErrAdapter, "convert its base model with --lora FOLDER to merge it, or the folder with --base MODEL for a file of the adapter alone"},
	{hf.ErrLink, "or trust the link with --follow-links"},
	{atomicfile.ErrNoFolder, "--mkdir makes it"},
	{atomicfile.ErrExists, "--force replaces it"},
	{atomicfile.ErrUnfinished, "go on with it by --resume, or drop it by --force"},
	{pipeline.ErrMismatch, "--force without --resume begins anew"},
	{pipeline.ErrDiffers, "--no-verify leaves the comparison out"},
	{quantize.ErrFallback, "leave --no-fallback out to allow it"},
	{quantize.ErrQuantized, "--allow-requantize permits that"},
	{vocab.ErrPre, "--pre NAME takes the named one nevertheless"},
	{quantize.ErrUncovered, "give it a type that requires none with --tensor-type NAME=TYPE, drop its layer with --prune-layers, or collect again with more text"},
	{quantize.ErrNoImportance, "give one with --imatrix, or collect one with --imatrix-from"},
}

// Advised returns the message of an error with the option that helps.
func (s *Session) Advised(err error) string {
	var memory *pipeline.TooLittleMemory
	if errors.As(err, &memory) {
		given := s.MemoryGiven
		if given == "" {
			given = ui.Bytes(memory.Budget)
		}
		return fmt.Sprintf("--max-memory %s: this run needs %s at least", given, ui.Bytes(memory.Needed))
	}
	if errors.As(err, new(*pipeline.Unfinished)) {
		return err.Error() + ", --resume goes on with it"
	}
	for _, a := range Advice {
		if errors.Is(err, a.About) {
			return err.Error() + "; " + a.Says
		}
	}
	return err.Error()
}
