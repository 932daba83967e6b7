package tokenizer

import (
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// CheckpointOptions change what FromCheckpoint makes of a checkpoint.
type CheckpointOptions struct {
	VocabSize int    // rows of the embedding; 0: what config.json says
	Pre       string // tokenizer.ggml.pre; "": recognized
	Unchecked bool   // leave out the comparison with the source's own rules
	Native    bool   // Mistral's own format counts, whatever other files there are
}

// checkpoint is the vocabulary of a checkpoint on its way to key-values.
type checkpoint struct {
	files  Files
	opts   CheckpointOptions
	model  map[string]any // config.json
	config map[string]any // tokenizer_config.json
	json   *jsonBuilder   // tokenizer.json, or nil
	sp     *spModel       // tokenizer.model, or nil
	own    *Tokenizer     // the rules of the source, where they are not in json or sp
	native bool           // params.json stands for config.json
	size   int            // vocab_size of config.json or params.json, 0 where it has none
	kvs    gguf.KVs
}

// FromCheckpoint reads the vocabulary of a checkpoint as the reference
// converter does: which file counts, which key-values come of it. The result
// encodes with the rules that llama.cpp has for those key-values (GGUF
// returns them), so that a checkpoint and what is converted from it agree.
//
// The ids of a probe text must be those that the source's own rules give, else
// the error is a fault.ErrUnsupported.
func FromCheckpoint(files Files, opts CheckpointOptions) (*Tokenizer, error) {
	c := &checkpoint{files: files, opts: opts}
	if err := c.open(); err != nil {
		return nil, err
	}
	write, err := c.pick()
	if err != nil {
		return nil, err
	}
	if err := write(c); err != nil {
		return nil, err
	}
	t, err := FromGGUF(c.kvs)
	if err != nil {
		return nil, err
	}
	if !opts.Unchecked && opts.Pre == "" {
		if err := c.check(t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// open reads what decides about the vocabulary.
func (c *checkpoint) open() error {
	var err error
	if c.model, err = readObject(c.files, "config.json"); err != nil {
		return err
	}
	if c.native = c.opts.Native; c.model == nil || c.native {
		params, err := readObject(c.files, "params.json")
		if err != nil {
			return err
		}
		if c.native = params != nil; c.native {
			c.model = params
		}
	}
	if c.config, err = readObject(c.files, "tokenizer_config.json"); err != nil {
		return err
	}
	if raw, err := c.read("tokenizer.json"); err != nil {
		return err
	} else if raw != nil {
		if c.json, err = parseJSON(raw); err != nil {
			return err
		}
	}
	for _, name := range []string{"tokenizer.model", "spiece.model"} {
		raw, err := c.read(name)
		if err != nil {
			return err
		}
		if raw == nil || c.sp != nil {
			continue
		}
		if c.sp, err = parseSentencePiece(raw); err != nil {
			if c.sp = nil; c.json == nil {
				return err
			}
			// Llama 3 ships ranks under this name, beside tokenizer.json.
		}
	}
	c.size = c.opts.VocabSize
	if c.size == 0 {
		c.size = c.intParam("vocab_size")
	}
	if c.size < 0 || c.size > maxVocabulary {
		return fault.Corrupt("tokenizer: vocab_size is %d", c.size)
	}
	return nil
}

// maxVocabulary bounds the padding that a configuration can ask for.
const maxVocabulary = 1 << 24

// read returns a file's contents, nil where there is none.
func (c *checkpoint) read(name string) ([]byte, error) {
	raw, err := c.files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}

// param is an entry of config.json, where text_config counts before the rest.
func (c *checkpoint) param(name string) any {
	for _, sub := range []string{"text_config", "llm_config", "language_config"} {
		if text, ok := c.model[sub].(map[string]any); ok && text[name] != nil {
			return text[name]
		}
	}
	return c.model[name]
}

func (c *checkpoint) intParam(name string) int {
	f, _ := c.param(name).(float64)
	return int(f)
}

// class is the name of the model's class in Transformers.
func (c *checkpoint) class() string {
	list, _ := c.model["architectures"].([]any)
	if len(list) == 0 {
		return ""
	}
	name, _ := list[0].(string)
	return name
}

// pick chooses how the vocabulary is written.
func (c *checkpoint) pick() (func(*checkpoint) error, error) {
	exists := func(name string) bool {
		raw, err := c.read(name)
		return err == nil && raw != nil
	}
	model := ""
	if c.json != nil {
		model = c.json.file.Model.Type
	}
	class := c.class()
	switch {
	case c.mistralFile() != "":
		return (*checkpoint).writeMistral, nil
	case c.json == nil && exists("qwen.tiktoken"):
		return (*checkpoint).writeTiktoken, nil
	case c.json == nil && exists("tiktoken.model"):
		return (*checkpoint).writeKimi, nil
	case exists("rwkv_vocab_v20230424.txt"):
		return (*checkpoint).writeRWKV, nil
	case exists("tokenizer.jsonl"):
		return (*checkpoint).writePlamo, nil
	case gemma4Classes[class] && c.json != nil:
		return (*checkpoint).writeGemma4, nil
	case c.sp != nil && c.sp.algorithm == 1:
		return (*checkpoint).writeUnigram, nil
	case c.sp != nil && !gpt2Classes[class]:
		return (*checkpoint).writeSentencePiece, nil
	case model == "Unigram":
		return (*checkpoint).writeUnigramJSON, nil
	case model == "WordPiece":
		return (*checkpoint).writeBERT, nil
	case model == "BPE" && c.json.file.Model.ByteFallback && (llamaClasses[class] || class == "JambaForCausalLM" || prepends(c.json)):
		return (*checkpoint).writeLlamaHF, nil
	case model == "BPE":
		return (*checkpoint).writeGPT2, nil
	case c.json != nil:
		return nil, fault.Unsupported("tokenizer: tokenizer.json: model %q", model)
	}
	return nil, fault.Unsupported("tokenizer: the checkpoint has none of tokenizer.json, tokenizer.model (also .v1, .v3, …), tekken.json, qwen.tiktoken")
}

// GGUF returns the key-values that describe the vocabulary in a GGUF file, in
// the order in which the reference converter writes them. Only tokenizers from
// FromCheckpoint and FromGGUF have them.
func (t *Tokenizer) GGUF() gguf.KVs { return t.kvs.Clone() }

// vocabularyKeys are the key-values of a file that belong to the vocabulary.
func vocabularyKeys(kvs gguf.KVs) gguf.KVs {
	var own gguf.KVs
	for _, kv := range kvs {
		if len(kv.Key) > 10 && kv.Key[:10] == "tokenizer." {
			own = append(own, kv)
		}
	}
	return own
}

// check holds the ids of the probe against those of the source's own rules.
func (c *checkpoint) check(t *Tokenizer) error {
	var own *Tokenizer
	var err error
	switch {
	case c.own != nil:
		own = c.own
	case c.sp != nil && t.kind != "gpt2" && t.kind != "gemma4":
		raw, _ := c.read("tokenizer.model")
		if raw == nil {
			return nil
		}
		own, err = FromSentencePiece(raw)
	case c.json != nil:
		config, _ := json.Marshal(c.config)
		own, err = c.json.build(config)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	got, want := t.Encode(probe, Options{}), own.Encode(probe, Options{})
	for i := 0; i < max(len(got), len(want)); i++ {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			return fault.Unsupported("tokenizer: with pre-tokenizer %q llama.cpp would read %q otherwise than the checkpoint (token %d of the probe); --pre NAME takes the named one nevertheless",
				t.pre, own.Decode(want[max(0, min(i, len(want))-3):min(len(want), i+3)]), i)
		}
	}
	return nil
}
