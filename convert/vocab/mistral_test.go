package vocab

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/tokenizer"
)

// smallTekken is a tekken.json of 262 tokens, four of them special.
func smallTekken() []byte {
	var sb strings.Builder
	sb.WriteString(`{"config":{"pattern":"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\s+","default_vocab_size":262,"default_num_special_tokens":4,"version":"v3"},"vocab":[`)
	for b := range 256 {
		sb.WriteString(`{"rank":` + strconv.Itoa(b) + `,"token_bytes":"` + encode64(string([]byte{byte(b)})) + `"},`)
	}
	sb.WriteString(`{"rank":256,"token_bytes":"` + encode64("ab") + `"},{"rank":257,"token_bytes":"` + encode64("aba") + `"}],
		"special_tokens":[{"rank":0,"token_str":"<unk>"},{"rank":1,"token_str":"<s>"},{"rank":2,"token_str":"</s>"}]}`)
	return []byte(sb.String())
}

func encode64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestTekkenEncodesAlikeByFileAndByKeyValues(t *testing.T) {
	raw := smallTekken()
	tok, err := tokenizer.FromTekken(raw)
	if err != nil {
		t.Fatal(err)
	}
	gg, err := Read(t.Context(), memFiles{"tekken.json": raw, "config.json": []byte(`{}`)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	merges, _ := gg.KVs.Strings("tokenizer.ggml.merges")
	if strings.Join(merges, ",") != "a b,ab a" {
		t.Errorf("merges %q", merges)
	}
	if chat, _ := gg.KVs.String("tokenizer.chat_template"); chat != "mistral-v3-tekken" {
		t.Errorf("chat template %q", chat)
	}
	for _, text := range []string{"abab aba x", "é</s>"} {
		opts := tokenizer.Options{AddSpecial: true, ParseSpecial: true}
		if a, b := encoded(tok, text, opts), encoded(gg, text, opts); !slices.Equal(a, b) {
			t.Errorf("%q: %v by tekken.json, %v by key-values", text, a, b)
		}
	}
}
