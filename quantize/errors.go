package quantize

import "errors"

// Errors that an option can do something about. They mark what [NewPlan]
// returns; [errors.Is] finds them.
var (
	ErrFallback     = errors.New("the fallback type is ruled out")       // by Options.NoFallback
	ErrQuantized    = errors.New("the source is quantized already")      // unless Options.AllowRequantize
	ErrNoImportance = errors.New("the type needs an importance matrix")  // Options.Importance
	ErrUncovered    = errors.New("the importance matrix lacks a tensor") // whose type requires weights
)
