package vocab

// Writer names the way in which a class of models has its vocabulary written.
type Writer uint8

// The ways.
const (
	ByFiles   Writer = iota // as the files say
	JSONFirst               // from tokenizer.json, whatever other files there are
	Gemma4                  // from tokenizer.json, as the vocabulary kind gemma4
)

// Rules say how the reference converter writes the vocabulary of one class of
// models where the files alone do not decide.
type Rules struct {
	Writer Writer

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
	// OwnRows takes vocab_size for the number of rows although the layers have
	// embeddings of their own.
	OwnRows bool
	// EOT is the token that ends a turn, 0 for what the files say.
	EOT uint32
}

// ByClass returns the rules of a class of Hugging Face Transformers.
func ByClass(class string) Rules { return classes[class] }

var (
	llamaRules  = Rules{Llama: true}
	gemmaRules  = Rules{NoSpacePrefix: true}
	gemma4Rules = Rules{Writer: Gemma4}
)

var classes = map[string]Rules{
	"LLaMAForCausalLM": llamaRules, "LlamaForCausalLM": llamaRules, "LlamaModel": llamaRules, "MistralForCausalLM": llamaRules,
	"MixtralForCausalLM": llamaRules, "LlavaForConditionalGeneration": llamaRules, "VoxtralForConditionalGeneration": llamaRules,
	"IQuestCoderForCausalLM": llamaRules, "GraniteForCausalLM": llamaRules, "GraniteMoeForCausalLM": llamaRules,
	"GraniteMoeSharedForCausalLM": llamaRules, "ArceeForCausalLM": llamaRules, "SmolLM3ForCausalLM": llamaRules,
	"ApertusForCausalLM": llamaRules, "AfmoeForCausalLM": llamaRules, "Mistral3ForConditionalGeneration": llamaRules,
	"Ministral3ForCausalLM": llamaRules,

	"Llama4ForConditionalGeneration": {Writer: JSONFirst}, "Llama4ForCausalLM": {Writer: JSONFirst},

	"GemmaForCausalLM":  {NoSpacePrefix: true, EOT: 107},
	"Gemma2ForCausalLM": gemmaRules, "Gemma3ForCausalLM": gemmaRules, "Gemma3ForConditionalGeneration": gemmaRules,
	"Gemma3TextModel": gemmaRules, "Gemma3nForCausalLM": gemmaRules,
	"Gemma3nForConditionalGeneration": {NoSpacePrefix: true, OwnRows: true},

	"Gemma4ForConditionalGeneration": gemma4Rules, "Gemma4ForCausalLM": gemma4Rules, "Gemma4UnifiedForConditionalGeneration": gemma4Rules,

	"JambaForCausalLM": {Scored: true},
	"Phi3ForCausalLM":  {AddedAsWritten: true},
}
