package tokenizer

// textPiece gives the bytes of a token by its type; decode is for normal ones.
func (t *Tokenizer) textPiece(decode func(string) string) func(int32) string {
	return func(id int32) string {
		text := t.vocab.text(id)
		switch t.types[id] {
		case TypeNormal:
			return decode(text)
		case TypeByte:
			if b, ok := ParseByteToken(text); ok {
				return string([]byte{b})
			}
			return text
		case TypeControl, TypeUnknown, TypeUserDefined:
			return text
		}
		return ""
	}
}

// byteTokens are the ids of <0x00> to <0xFF>.
func byteTokens(tokens *lexicon) *[256]int32 {
	var table [256]int32
	for b := range table {
		table[b], _ = tokens.id(byteToken(byte(b)))
	}
	return &table
}

// oneRune are the tokens of one character.
func oneRune(tokens *lexicon) map[string]int32 {
	chars := map[string]int32{}
	for id, text := range tokens.all() {
		if text != "" && leadLen(text) == len(text) {
			chars[text] = id
		}
	}
	return chars
}
