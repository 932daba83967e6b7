package tokenizer

import (
	"encoding/json"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/pyjson"
)

// File is tokenizer.json as Hugging Face tokenizers writes it.
type File struct {
	AddedTokens   []AddedToken `json:"added_tokens"`
	Normalizer    *Step        `json:"normalizer"`
	PreTokenizer  *Step        `json:"pre_tokenizer"`
	PostProcessor *Step        `json:"post_processor"`
	Decoder       *Step        `json:"decoder"`
	Model         Model        `json:"model"`

	Tokens []string    `json:"-"` // of the model and added ones, by id
	Types  []TokenType `json:"-"` // TypeUndefined for an id without a token
	Scores []float64   `json:"-"` // of the tokens of a Unigram model

	ids   map[string]int32
	vocab map[string]int32 // of the model, without added tokens
}

// ID returns the id of a token.
func (f *File) ID(text string) (int32, bool) {
	id, ok := f.ids[text]
	return id, ok
}

// OwnID returns the id of a token of the model; added tokens are not among
// those.
func (f *File) OwnID(text string) (int32, bool) {
	id, ok := f.vocab[text]
	return id, ok
}

// Own is the number of tokens of the model.
func (f *File) Own() int { return len(f.vocab) }

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

// Step is any step of the pipeline: the fields of all kinds in one.
type Step struct {
	Type string `json:"type"`

	Normalizers   []Step `json:"normalizers"`
	PreTokenizers []Step `json:"pretokenizers"`
	Processors    []Step `json:"processors"`
	Decoders      []Step `json:"decoders"`

	Prepend  string `json:"prepend"`
	Content  string `json:"content"`
	Behavior string `json:"behavior"`
	Invert   bool   `json:"invert"`
	Pattern  struct {
		String *string `json:"String"`
		Regex  *string `json:"Regex"`
	} `json:"pattern"`
	Charsmap []byte `json:"precompiled_charsmap"`

	AddPrefixSpace   *bool  `json:"add_prefix_space"`
	UseRegex         *bool  `json:"use_regex"`
	Replacement      string `json:"replacement"`
	PrependScheme    string `json:"prepend_scheme"`
	Split            *bool  `json:"split"`
	IndividualDigits bool   `json:"individual_digits"`
	Delimiter        string `json:"delimiter"`

	CleanText    *bool `json:"clean_text"`
	HandleCJK    *bool `json:"handle_chinese_chars"`
	StripAccents *bool `json:"strip_accents"`
	Lowercase    *bool `json:"lowercase"`
	StripLeft    *bool `json:"strip_left"`
	StripRight   *bool `json:"strip_right"`

	Single        []TemplatePiece        `json:"single"`
	Pair          []TemplatePiece        `json:"pair"`
	SpecialTokens map[string]TemplateIDs `json:"special_tokens"`
	CLS           []any                  `json:"cls"`
	SEP           []any                  `json:"sep"`

	Prefix string `json:"prefix"`
}

// TemplatePiece is a special token or a text in a template.
type TemplatePiece struct {
	SpecialToken *struct {
		ID string `json:"id"`
	} `json:"SpecialToken"`
	Sequence *struct {
		ID string `json:"id"`
	} `json:"Sequence"`
}

// TemplateIDs are the ids that a special token of a template stands for.
type TemplateIDs struct {
	IDs []int64 `json:"ids"`
}

// Model is the model that encodes words.
type Model struct {
	Type         string          `json:"type"`
	Vocab        json.RawMessage `json:"vocab"`
	Merges       Merges          `json:"merges"`
	UnkToken     *string         `json:"unk_token"`
	UnkID        *int64          `json:"unk_id"`
	FuseUnk      bool            `json:"fuse_unk"`
	ByteFallback bool            `json:"byte_fallback"`
	IgnoreMerges bool            `json:"ignore_merges"`
	Dropout      *float64        `json:"dropout"`
	SubPrefix    *string         `json:"continuing_subword_prefix"`
	WordSuffix   *string         `json:"end_of_word_suffix"`
	MaxChars     *int            `json:"max_input_chars_per_word"`
}

// Steps flattens sequences of steps.
func (c *Step) Steps() []Step {
	if c == nil || c.Type == "" {
		return nil
	}
	if c.Type != "Sequence" {
		return []Step{*c}
	}
	var all []Step
	for _, in := range [][]Step{c.Normalizers, c.PreTokenizers, c.Processors, c.Decoders} {
		for i := range in {
			all = append(all, in[i].Steps()...)
		}
	}
	return all
}

func yes(b *bool) bool { return b == nil || *b }
func no(b *bool) bool  { return b != nil && *b }
func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// maxSpread is how many ids a vocabulary may leave free, for each token it
// has: a huge id must not make a huge table.
const maxSpread = 16

// FromJSON builds the tokenizer of a tokenizer.json file, with the rules of
// the Hugging Face tokenizers library. config is tokenizer_config.json, which
// names the special tokens, or nil.
func FromJSON(file, config []byte) (*Tokenizer, error) {
	f, err := ParseJSON(file)
	if err != nil {
		return nil, err
	}
	return f.Tokenizer(config)
}

// ParseJSON reads a tokenizer.json file.
func ParseJSON(file []byte) (*File, error) {
	f := &File{}
	if err := pyjson.Unmarshal(file, f); err != nil {
		return nil, fault.Op("tokenizer").File("tokenizer.json").Corrupt("%w", err)
	}
	if f.Model.Type == "" {
		switch {
		case len(f.Model.Vocab) > 0 && f.Model.Vocab[0] == '[':
			f.Model.Type = "Unigram"
		case f.Model.MaxChars != nil:
			f.Model.Type = "WordPiece"
		default:
			f.Model.Type = "BPE"
		}
	}
	return f, f.readVocab()
}

// readVocab fills tokens, types and ids from the model and the added tokens.
func (f *File) readVocab() error {
	if f.vocab == nil {
		if err := f.modelVocab(); err != nil {
			return err
		}
	}
	count := len(f.vocab) + len(f.AddedTokens)
	size := len(f.Scores)
	reserve := func(text string, id int64) error {
		if id < 0 || id > int64(count)*maxSpread+1024 {
			return fault.Op("tokenizer").File("tokenizer.json").Corrupt("token %q has id %d in a vocabulary of %d", text, id, count)
		}
		size = max(size, int(id)+1)
		return nil
	}
	for text, id := range f.vocab {
		if err := reserve(text, int64(id)); err != nil {
			return err
		}
	}
	for _, a := range f.AddedTokens {
		if err := reserve(a.Content, a.ID); err != nil {
			return err
		}
	}
	f.Tokens = make([]string, size)
	f.Types = make([]TokenType, size)
	f.ids = make(map[string]int32, count)
	for text, id := range f.vocab {
		if f.Types[id] != TypeUndefined {
			return fault.Op("tokenizer").File("tokenizer.json").Corrupt("%q and %q both have id %d", min(text, f.Tokens[id]), max(text, f.Tokens[id]), id)
		}
		f.Tokens[id], f.Types[id], f.ids[text] = text, TypeNormal, id
		if _, ok := ParseByteToken(text); ok && f.Model.ByteFallback {
			f.Types[id] = TypeByte
		}
	}
	f.addTokens()
	return nil
}

// addTokens puts the added tokens into the vocabulary. One that the model has
// too keeps the model's id.
func (f *File) addTokens() {
	for i := range f.AddedTokens {
		a := &f.AddedTokens[i]
		if id, ok := f.ids[a.Content]; ok {
			a.ID = int64(id)
		} else {
			f.ids[a.Content] = int32(a.ID)
		}
		f.Tokens[a.ID] = a.Content
		f.Types[a.ID] = TypeUserDefined
		if a.Special {
			f.Types[a.ID] = TypeControl
		}
	}
}

// modelVocab reads the vocabulary of the model.
func (f *File) modelVocab() error {
	if f.Model.Type != "Unigram" {
		var err error
		f.vocab, err = jsonVocab(f.Model.Vocab)
		return err
	}
	var rows [][2]any
	if err := json.Unmarshal(f.Model.Vocab, &rows); err != nil {
		return fault.Op("tokenizer").File("tokenizer.json").Corrupt("vocabulary: %w", err)
	}
	f.vocab = make(map[string]int32, len(rows))
	for id, row := range rows {
		text, isText := row[0].(string)
		score, isNumber := row[1].(float64)
		if !isText || !isNumber {
			return fault.Op("tokenizer").File("tokenizer.json").Corrupt("vocabulary entry %d is not a string and a number", id)
		}
		if first, dup := f.vocab[text]; dup {
			return fault.Op("tokenizer").File("tokenizer.json").Corrupt("tokens %d and %d are both %q", first, id, text)
		}
		f.vocab[text] = int32(id)
		f.Scores = append(f.Scores, score)
	}
	return nil
}
