package tokenizer

import (
	"context"
	"encoding/base64"
	"os"
	"strconv"
	"testing"
)

func encode64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func itoa(i int) string { return strconv.Itoa(i) }

func readFile(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// encoded are the ids of a text.
func encoded(tok *Tokenizer, text string, opts Options) []int32 {
	ids, err := tok.Encode(context.Background(), text, opts)
	if err != nil {
		panic(err)
	}
	return ids
}
