package hf

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/oracle"
)

func FuzzParseConfig(f *testing.F) {
	for _, s := range []string{sample, `{}`, `{"a":[NaN,-Infinity]}`, `{"a":"\\\"NaN"}`, `{"NaN":Infinity}`, "\xef\xbb\xbf{}", `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Config
		var err error
		oracle.Watched(t, len(data), func() { c, err = ParseConfig(data, "config.json") })
		if err != nil && !errors.Is(err, fault.ErrCorrupt) {
			t.Fatal(err)
		}
		// What plain JSON takes as an object is taken here too.
		var plain map[string]any
		if json.Unmarshal(data, &plain) == nil && plain != nil && err != nil {
			t.Fatalf("rejected valid JSON: %v", err)
		}
		for key := range c.Values() {
			if v, ok := c.Value(key); ok && v == nil {
				t.Fatalf("%q is present and nil", key)
			}
		}
	})
}

func FuzzIndex(f *testing.F) {
	shard := weightFile(f, "a", "b")
	f.Add([]byte(`{"metadata":{},"weight_map":{"a":"x.safetensors","b":"x.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../x.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		files := fstest.MapFS{"config.json": text("{}"), "model.safetensors.index.json": {Data: data}, "x.safetensors": shard}
		var c *Checkpoint
		var err error
		oracle.Watched(t, len(data), func() { c, err = OpenFS(t.Context(), files, "m") })
		if err != nil {
			if !errors.Is(err, fault.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if len(c.Tensors()) != 2 || len(c.Files()) != 1 {
			t.Fatalf("%q opened %d tensors", data, len(c.Tensors()))
		}
	})
}

func FuzzModelCard(f *testing.F) {
	f.Add("---\nlicense: mit\ntags: [a, b]\n---\n")
	f.Add("---\na: &x [*x]\n---\n")
	f.Add("---\n? {a: b}\n: c\n<<: {d: e}\n---")
	f.Fuzz(func(t *testing.T, card string) {
		var fields map[string]any
		var err error
		oracle.Watched(t, len(card), func() { fields, err = ParseCard([]byte(card)) })
		if err == nil && fields == nil {
			t.Fatal("no error and no card")
		}
		if !strings.HasPrefix(strings.TrimPrefix(card, "\xef\xbb\xbf"), "---") && len(fields) > 0 {
			t.Fatalf("%q has front matter %v", card, fields)
		}
	})
}
