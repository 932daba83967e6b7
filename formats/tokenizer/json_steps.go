package tokenizer

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

// Steps flattens sequences of steps.
func (c *Step) Steps() []*Step { return c.flatten(nil) }

func (c *Step) flatten(dst []*Step) []*Step {
	if c == nil || c.Type == "" {
		return dst
	}
	if c.Type != "Sequence" {
		return append(dst, c)
	}
	for _, in := range [][]Step{c.Normalizers, c.PreTokenizers, c.Processors, c.Decoders} {
		for i := range in {
			dst = in[i].flatten(dst)
		}
	}
	return dst
}

func yes(b *bool) bool { return b == nil || *b }
func no(b *bool) bool  { return b != nil && *b }
func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
