package vocab

import (
	"github.com/f190792d/mq/formats/tokenizer"
)

// prepends reports whether text begins with a space that is not its own.
func prepends(f *tokenizer.File) bool {
	for _, n := range f.Normalizer.Steps() {
		if n.Type == "Prepend" && n.Prepend == lowBlock {
			return true
		}
	}
	for _, p := range f.PreTokenizer.Steps() {
		if p.Type == "Metaspace" && yes(p.AddPrefixSpace) && p.PrependScheme != "never" {
			return true
		}
	}
	return false
}

// spacesDecoded reports whether decoding turns U+2581 into spaces.
func spacesDecoded(f *tokenizer.File) bool {
	for _, d := range f.Decoder.Steps() {
		if d.Type == "Metaspace" || d.Type == "Replace" && d.Pattern.String != nil && *d.Pattern.String == lowBlock {
			return true
		}
	}
	return false
}
