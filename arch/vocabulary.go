package arch

// VocabularyWriter names the way in which a class of models has its vocabulary
// written.
type VocabularyWriter uint8

// The ways.
const (
	ByFiles   VocabularyWriter = iota // as the files say
	JSONFirst                         // from tokenizer.json, whatever other files there are
	Gemma4                            // from tokenizer.json, as the vocabulary kind gemma4
	Fairseq                           // from sentencepiece.bpe.model where it is there, with fairseq's first ids
	MetaFiles                         // from tokenizer.model alone, a SentencePiece model or, of Llama 3, ranks
)

// Vocabulary says how the reference converter writes the vocabulary of a class
// of models where the tokenizer's files alone do not decide.
type Vocabulary struct {
	Writer VocabularyWriter

	// Llama notes add_prefix_space before anything else, corrects the end of a
	// turn of CodeLlama and the BOS of small Granite models, and implies Scored.
	Llama bool
	// Scored writes merges over characters in tokenizer.json as a SentencePiece
	// vocabulary even if no space is put before a text.
	Scored bool
	// AddedAsWritten takes the added tokens of a SentencePiece vocabulary as
	// they are spelled, control tokens only where they are called special.
	AddedAsWritten bool
	// NoSpacePrefix says that no space is put before a text.
	NoSpacePrefix bool
	// StatedPrefix says in the end whether a space is, where
	// tokenizer_config.json does.
	StatedPrefix bool
	// Documents ends a text with config.json's eod_token_id, and a turn with the
	// first of several ends in generation_config.json.
	Documents bool
	// OwnRows takes vocab_size for the number of rows although the layers have
	// embeddings of their own.
	OwnRows bool
	// Framed says that tokens are added around texts, before anything else.
	Framed bool
	// EOT is the token that ends a turn, 0 for what the files say.
	EOT uint32
	// RankedPre is the pre-tokenizer of ranks in tokenizer.model, where there is
	// no tokenizer.json.
	RankedPre string
	// After are control tokens after those of a SentencePiece model in
	// tokenizer.model, where there is no tokenizer.json; AfterPre is what the
	// pre-tokenizer of such a vocabulary is called.
	After    []string
	AfterPre string
	// Roles are the tokens that have a role where the files do not say.
	Roles []Role
	// Fixed are key-values of the tokenizer that the files have no say in.
	Fixed []FixedToken
}

// FixedToken is the id that a key below "tokenizer.ggml." names.
type FixedToken struct {
	Key string
	ID  uint32
}

// Role is a token with the role that it has: "bos", "eos", "eot", "unk" ….
type Role struct{ Name, Token string }

var (
	llamaVocabulary  = Vocabulary{Llama: true}
	gemmaVocabulary  = Vocabulary{NoSpacePrefix: true}
	gemma4Vocabulary = Vocabulary{Writer: Gemma4}
	glmVocabulary    = Vocabulary{Roles: []Role{{"eos", "<|endoftext|>"}, {"eot", "<|user|>"}, {"unk", "<|endoftext|>"}, {"bos", "<|endoftext|>"}}}

	glmMoEVocabulary = Vocabulary{Roles: []Role{{"bos", "[gMASK]"}, {"eot", "<|user|>"}, {"unk", "<|endoftext|>"}, {"eom", "<|observation|>"}}}
)
