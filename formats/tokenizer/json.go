package tokenizer

// File is tokenizer.json as Hugging Face tokenizers writes it.
type File struct {
	AddedTokens   []AddedToken
	Normalizer    *Step
	PreTokenizer  *Step
	PostProcessor *Step
	Decoder       *Step
	Model         Model

	types  []TokenType // by id; TypeUndefined for an id without a token
	vocab  *vocabulary
	merges merges
}

// Model is the model that encodes words, without its vocabulary.
type Model struct {
	Type         string  // BPE, Unigram, WordPiece, WordLevel
	UnkToken     *string // unk_token
	UnkID        *int64  // unk_id
	FuseUnk      bool
	ByteFallback bool
	IgnoreMerges bool
	SubPrefix    *string   // continuing_subword_prefix
	WordSuffix   *string   // end_of_word_suffix
	MaxChars     *int      // max_input_chars_per_word
	Scores       []float64 // of the tokens of a Unigram model, by id
}

// Size is the number of ids: one more than the largest.
func (f *File) Size() int { return f.vocab.size }

// Token returns the text and the type of a token; the type is TypeUndefined
// for an id without one.
func (f *File) Token(id int) (string, TokenType) {
	if id < 0 || id >= len(f.types) {
		return "", TypeUndefined
	}
	return f.vocab.text(int32(id)), f.types[id]
}

// ID returns the id of a token.
func (f *File) ID(text string) (int32, bool) { return f.vocab.id(text) }

// OwnID returns the id of a token of the model; added tokens are not among
// those.
func (f *File) OwnID(text string) (int32, bool) { return f.vocab.own.id(text) }

// Own is the number of tokens of the model.
func (f *File) Own() int { return f.vocab.own.len() }

// Merges calls each for every merge of a BPE model, in order.
func (f *File) Merges(each func(rank int, left, right string) error) error {
	return f.merges.each(each)
}

// AddedToken is a token that is looked for in a text before the model sees it.
type AddedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}
