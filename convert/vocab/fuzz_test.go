package vocab

import (
	"context"
	"errors"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/internal/oracle"
	"github.com/f190792d/mq/internal/vocabtest"
)

// FuzzRead reads one file under every name that a vocabulary has.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"pre_tokenizer":{"type":"ByteLevel"},
		"added_tokens":[{"id":9,"content":"<x>","special":true,"normalized":true}],"eos_token":"<x>","chat_template":[{"name":"default","template":"t"}]}`))
	f.Add([]byte(`{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1]]},"pre_tokenizer":{"type":"Metaspace"}}`))
	f.Add([]byte(`{"model":{"type":"WordPiece","vocab":{"a":0,"##b":1}},"normalizer":{"type":"BertNormalizer"}}`))
	f.Add(vocabtest.SentencePiece(2, true, vocabtest.Piece{Text: "<unk>", Type: 2}, vocabtest.Piece{Text: "a", Score: -1, Type: 1}))
	f.Add([]byte("YQ== 0\nYg== 1\nYWI= 2\n"))
	f.Add([]byte(`{"config":{"pattern":"a+","default_vocab_size":300,"default_num_special_tokens":10},"vocab":[{"rank":0,"token_bytes":"AA=="}]}`))
	f.Add([]byte("1 'a' 1\n2 b'\\xff' 1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		oracle.Watched(t, len(raw), func() {
			for _, files := range []memFiles{
				{"tokenizer.json": raw, "tokenizer_config.json": raw, "config.json": []byte("{}")},
				{"tokenizer.model": raw}, {"qwen.tiktoken": raw}, {"tiktoken.model": raw}, {"tekken.json": raw},
				{"rwkv_vocab_v20230424.txt": raw}, {"tokenizer.jsonl": raw},
			} {
				v, err := Read(t.Context(), files, Options{})
				if err != nil && !errors.Is(err, fault.ErrCorrupt) && !errors.Is(err, fault.ErrUnsupported) {
					t.Errorf("error without a class: %v", err)
				}
				if err == nil {
					ids, err := v.Encode(context.Background(), probe, tokenizer.Options{AddSpecial: true, ParseSpecial: true})
					if err == nil { // else the pattern took too long
						v.Decode(ids)
					}
				}
			}
		})
	})
}
