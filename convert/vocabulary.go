package convert

import (
	"context"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/vocab"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// vocabulary reads the tokenizer of a checkpoint, padded to the rows of the
// embedding: a file with another number of tokens could not be loaded.
func vocabulary(ctx context.Context, ckpt *hf.Checkpoint, a arch.Arch, h arch.Hyper, pre string) (*vocab.Vocabulary, error) {
	t, err := vocab.Read(ctx, ckpt, vocab.Options{Rows: h.Vocab, Rules: a.Vocabulary, Pre: pre, Native: ckpt.Layout() == hf.MistralNative})
	if err != nil {
		return nil, err
	}
	if t.Size() != h.Vocab {
		return nil, fault.Op("convert").Folder(ckpt.Name()).Corrupt("the tokenizer has %d tokens, but vocab_size in config.json and the rows of the embedding are %d", t.Size(), h.Vocab)
	}
	return t, nil
}
