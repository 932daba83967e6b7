package tokenizer

import (
	"strings"
	"testing"
)

func TestTekkenNumbersSpecialTokensFirst(t *testing.T) {
	tok, err := FromTekken(smallTekken())
	if err != nil {
		t.Fatal(err)
	}
	if got := spell(tok, encoded(tok, "ababa</s>é", Options{AddSpecial: true, ParseSpecial: true})); got != "<s> ab aba </s> Ã ©" {
		t.Errorf("got %q", got)
	}
	if text, _, kind := tok.Token(3); text != "<SPECIAL_3>" || kind != TypeControl {
		t.Errorf("token 3 is %q", text)
	}
}

// smallTekken is a tekken.json of 262 tokens, four of them special.
func smallTekken() []byte {
	var sb strings.Builder
	sb.WriteString(`{"config":{"pattern":"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\s+","default_vocab_size":262,"default_num_special_tokens":4,"version":"v3"},"vocab":[`)
	for b := range 256 {
		sb.WriteString(`{"rank":` + itoa(b) + `,"token_bytes":"` + encode64(string([]byte{byte(b)})) + `"},`)
	}
	sb.WriteString(`{"rank":256,"token_bytes":"` + encode64("ab") + `"},{"rank":257,"token_bytes":"` + encode64("aba") + `"}],
		"special_tokens":[{"rank":0,"token_str":"<unk>"},{"rank":1,"token_str":"<s>"},{"rank":2,"token_str":"</s>"}]}`)
	return []byte(sb.String())
}
