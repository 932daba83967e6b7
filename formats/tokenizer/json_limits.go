package tokenizer

import (
	"github.com/f190792d/mq/formats/fault"
)

// Files up to a hundred times as large as those in use must not take more than
// a small multiple of their size.
const (
	maxTokens    = 1 << 20  // of a model
	maxPieces    = 5 << 16  // of a WordPiece model, which has two tries
	maxText      = 12 << 20 // bytes of all tokens
	maxAdded     = 1 << 18
	maxIDs       = 1 << 21
	maxSpread    = 16 // ids that a vocabulary may leave free, for each token it has
	maxSteps     = 64 // that follow one another
	maxStepText  = 8 << 20
	maxStepCount = 1 << 10 // objects within one part of the pipeline
)

func corruptJSON(format string, args ...any) error {
	return fault.Op("tokenizer").File("tokenizer.json").Corrupt(format, args...)
}

const maxMerges = 1 << 21
