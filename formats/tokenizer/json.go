package tokenizer

import (
	"encoding/json"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/pyjson"
)

// jsonFile is tokenizer.json as Hugging Face tokenizers writes it.
type jsonFile struct {
	AddedTokens   []addedToken `json:"added_tokens"`
	Normalizer    *component   `json:"normalizer"`
	PreTokenizer  *component   `json:"pre_tokenizer"`
	PostProcessor *component   `json:"post_processor"`
	Decoder       *component   `json:"decoder"`
	Model         jsonModel    `json:"model"`
}

type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// component is any step of the pipeline: the fields of all kinds in one.
type component struct {
	Type string `json:"type"`

	Normalizers   []component `json:"normalizers"`
	PreTokenizers []component `json:"pretokenizers"`
	Processors    []component `json:"processors"`
	Decoders      []component `json:"decoders"`

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

	Single        []templatePiece       `json:"single"`
	Pair          []templatePiece       `json:"pair"`
	SpecialTokens map[string]templateID `json:"special_tokens"`
	CLS           []any                 `json:"cls"`
	SEP           []any                 `json:"sep"`

	Prefix string `json:"prefix"`
}

type templatePiece struct {
	SpecialToken *struct {
		ID string `json:"id"`
	} `json:"SpecialToken"`
	Sequence *struct {
		ID string `json:"id"`
	} `json:"Sequence"`
}

type templateID struct {
	IDs []int64 `json:"ids"`
}

type jsonModel struct {
	Type         string          `json:"type"`
	Vocab        json.RawMessage `json:"vocab"`
	Merges       jsonMerges      `json:"merges"`
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

// list flattens sequences of steps.
func (c *component) list() []component {
	if c == nil || c.Type == "" {
		return nil
	}
	if c.Type != "Sequence" {
		return []component{*c}
	}
	var all []component
	for _, in := range [][]component{c.Normalizers, c.PreTokenizers, c.Processors, c.Decoders} {
		for i := range in {
			all = append(all, in[i].list()...)
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
	b, err := parseJSON(file)
	if err != nil {
		return nil, err
	}
	return b.build(config)
}

// jsonBuilder builds a tokenizer from tokenizer.json.
type jsonBuilder struct {
	*Tokenizer
	file  jsonFile
	vocab map[string]int32 // of the model, without added tokens
	unig  []float64        // scores of a Unigram model
}

func parseJSON(file []byte) (*jsonBuilder, error) {
	b := &jsonBuilder{Tokenizer: &Tokenizer{special: map[string]int32{}}}
	if err := pyjson.Unmarshal(file, &b.file); err != nil {
		return nil, fault.Corrupt("tokenizer: tokenizer.json: %w", err)
	}
	if b.file.Model.Type == "" {
		switch {
		case len(b.file.Model.Vocab) > 0 && b.file.Model.Vocab[0] == '[':
			b.file.Model.Type = "Unigram"
		case b.file.Model.MaxChars != nil:
			b.file.Model.Type = "WordPiece"
		default:
			b.file.Model.Type = "BPE"
		}
	}
	return b, b.readVocab()
}

// readVocab fills tokens, types and ids from the model and the added tokens.
func (b *jsonBuilder) readVocab() error {
	if err := b.modelVocab(); err != nil {
		return err
	}
	count := len(b.vocab) + len(b.file.AddedTokens)
	size := len(b.unig)
	reserve := func(text string, id int64) error {
		if id < 0 || id > int64(count)*maxSpread+1024 {
			return fault.Corrupt("tokenizer: tokenizer.json: token %q has id %d in a vocabulary of %d", text, id, count)
		}
		size = max(size, int(id)+1)
		return nil
	}
	for text, id := range b.vocab {
		if err := reserve(text, int64(id)); err != nil {
			return err
		}
	}
	for _, a := range b.file.AddedTokens {
		if err := reserve(a.Content, a.ID); err != nil {
			return err
		}
	}
	b.tokens = make([]string, size)
	b.types = make([]TokenType, size)
	b.ids = make(map[string]int32, count)
	for text, id := range b.vocab {
		if b.types[id] != TypeUndefined {
			return fault.Corrupt("tokenizer: tokenizer.json: %q and %q both have id %d", min(text, b.tokens[id]), max(text, b.tokens[id]), id)
		}
		b.tokens[id], b.types[id], b.ids[text] = text, TypeNormal, id
		if _, ok := parseByteToken(text); ok && b.file.Model.ByteFallback {
			b.types[id] = TypeByte
		}
	}
	b.addTokens()
	return nil
}

// addTokens puts the added tokens into the vocabulary. One that the model has
// too keeps the model's id.
func (b *jsonBuilder) addTokens() {
	for i := range b.file.AddedTokens {
		a := &b.file.AddedTokens[i]
		if id, ok := b.ids[a.Content]; ok {
			a.ID = int64(id)
		} else {
			b.ids[a.Content] = int32(a.ID)
		}
		b.tokens[a.ID] = a.Content
		b.types[a.ID] = TypeUserDefined
		if a.Special {
			b.types[a.ID] = TypeControl
		}
	}
}

// modelVocab reads the vocabulary of the model.
func (b *jsonBuilder) modelVocab() error {
	if b.file.Model.Type != "Unigram" {
		var err error
		b.vocab, err = jsonVocab(b.file.Model.Vocab)
		return err
	}
	var rows [][2]any
	if err := json.Unmarshal(b.file.Model.Vocab, &rows); err != nil {
		return fault.Corrupt("tokenizer: tokenizer.json: vocabulary: %w", err)
	}
	b.vocab = make(map[string]int32, len(rows))
	for id, row := range rows {
		text, isText := row[0].(string)
		score, isNumber := row[1].(float64)
		if !isText || !isNumber {
			return fault.Corrupt("tokenizer: tokenizer.json: vocabulary entry %d is not a string and a number", id)
		}
		if first, dup := b.vocab[text]; dup {
			return fault.Corrupt("tokenizer: tokenizer.json: tokens %d and %d are both %q", first, id, text)
		}
		b.vocab[text] = int32(id)
		b.unig = append(b.unig, score)
	}
	return nil
}
