package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// The byte alphabet of GPT-2: every byte has one printable character, so that
// a vocabulary of byte strings can be written as text. Printable Latin-1
// stands for itself, the other 68 bytes follow in order from U+0100.
var (
	byteChar [256]string
	charByte = map[rune]byte{}
)

func init() {
	next := rune(0x100)
	for b := range 256 {
		r := rune(b)
		if b < 0x21 || b > 0x7E && b < 0xA1 || b == 0xAD {
			r = next
			next++
		}
		byteChar[b] = string(r)
		charByte[r] = byte(b)
	}
}

// ToByteChars writes raw bytes in the byte alphabet.
func ToByteChars(raw string) string {
	var sb strings.Builder
	for i := range len(raw) {
		sb.WriteString(byteChar[raw[i]])
	}
	return sb.String()
}

// FromByteChars reads text in the byte alphabet; false when it holds any
// other character.
func FromByteChars(text string) (string, bool) {
	raw := make([]byte, 0, len(text))
	for _, r := range text {
		b, ok := charByte[r]
		if !ok {
			return "", false
		}
		raw = append(raw, b)
	}
	return string(raw), true
}

const hexDigits = "0123456789ABCDEF"

// byteToken is the spelling of a byte in SentencePiece vocabularies: <0x0A>.
func byteToken(b byte) string {
	return string([]byte{'<', '0', 'x', hexDigits[b>>4], hexDigits[b&15], '>'})
}

// ParseByteToken reads <0x0A>, also with lower case digits.
func ParseByteToken(text string) (byte, bool) {
	if len(text) != 6 || text[:3] != "<0x" || text[5] != '>' {
		return 0, false
	}
	hi := strings.IndexByte(hexDigits, upperHex(text[3]))
	lo := strings.IndexByte(hexDigits, upperHex(text[4]))
	return byte(hi<<4 | lo), hi >= 0 && lo >= 0
}

func upperHex(c byte) byte {
	if 'a' <= c && c <= 'f' {
		return c - 'a' + 'A'
	}
	return c
}

// lowBlock is U+2581, the visible space of SentencePiece vocabularies.
const lowBlock = "\u2581"

func escapeSpaces(s string) string   { return strings.ReplaceAll(s, " ", lowBlock) }
func unescapeSpaces(s string) string { return strings.ReplaceAll(s, lowBlock, " ") }

// runeCount is the number of characters of text.
func runeCount(text string) int { return utf8.RuneCountInString(text) }
