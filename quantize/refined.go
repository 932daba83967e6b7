package quantize

import "github.com/f190792d/mq/formats/gguf"

// Keys that say what a file was refined with: the name of the text, and how
// many of its tokens were used.
const (
	RefineDatasetKey = "quantize.refine.dataset"
	RefineTokensKey  = "quantize.refine.tokens"
)

// MaxRefined is how far a refined row may be from the source's, in parts of
// its size. Refined weights make up for what other weights lack, and inputs
// that hardly vary leave them free, so that their distance is no longer that of
// rounding; a row farther away, and farther than its rounding, is nearly as
// far as one of zeros and stays as it was rounded.
const MaxRefined = 0.9

// Refined reports whether the key-values are those of a refined file.
func Refined(kvs gguf.KVs) bool {
	_, refined := kvs.Get(RefineDatasetKey)
	return refined
}
