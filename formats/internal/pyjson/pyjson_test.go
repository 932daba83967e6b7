package pyjson

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/internal/oracle"
)

func TestReadsWhatPythonReads(t *testing.T) {
	for text, want := range map[string]map[string]any{
		"\xef\xbb\xbf{}":                          {},
		`{"a":NaN}`:                               {"a": json.Number("NaN")},
		`{"a":[1,Infinity , -Infinity],"b":-1}`:   {"a": []any{json.Number("1"), json.Number("Infinity"), json.Number("-Infinity")}, "b": json.Number("-1")},
		`{"a":{"b":NaN},"a":{"c":1}}`:             {"a": map[string]any{"c": json.Number("1")}},
		`{"NaN":"NaN","s":"\"-Infinity\\","x":1}`: {"NaN": "NaN", "s": `"-Infinity\`, "x": json.Number("1")},
		`{"a":"\u0000mq:NaN2","b":NaN}`:           {"a": "\x00mq:NaN2", "b": json.Number("NaN")},
		`{"a":1e999}`:                             {"a": json.Number("1e999")},
	} {
		got, err := Object([]byte(text))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +mq):\n%s", text, err, d)
		}
	}
}

func TestRefusesWhatPythonRefuses(t *testing.T) {
	for _, text := range []string{"", "NaN", "null", "[]", `{"a":nan}`, `{"a":+Infinity}`, `{"a":- Infinity}`, `{"a":NaNa}`, `{"a":infinity}`, `{NaN:1}`, `{"a":[{NaN:1}]}`, `{"a":"` + "\n" + `"}`, `{"a":01}`, `{"a":1,}`, `{} {}`} {
		if got, err := Object([]byte(text)); err == nil {
			t.Errorf("%s gives %v", text, got)
		}
	}
}

func TestTypedPlacesReadConstantsAsNull(t *testing.T) {
	var v struct {
		A *float64
		B []float64
		C string
	}
	if err := Unmarshal([]byte("\xef\xbb\xbf"+`{"A":Infinity,"B":[1,NaN],"C":"NaN"}`), &v); err != nil {
		t.Fatal(err)
	}
	if v.A != nil || len(v.B) != 2 || v.C != "NaN" {
		t.Errorf("%+v", v)
	}
}

func TestReaderGivesTheSameInPiecesOfAnySize(t *testing.T) {
	text := "\xef\xbb\xbf" + `{"NaN":[NaN,-Infinity,"\\",Infinity,-1,"\""]}`
	want := `{"NaN":[null,null,"\\",null,-1,"\""]}`
	for name, wrap := range map[string]func(io.Reader) io.Reader{"bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "with the end": iotest.DataErrReader} {
		got, err := io.ReadAll(iotest.OneByteReader(NewReader(wrap(bytes.NewReader([]byte(text))), "null")))
		if string(got) != want || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// FuzzObject: what encoding/json takes, Object takes with the same values.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[NaN,-Infinity]}`, `{"a":"\\\"NaN"}`, `{"NaN":Infinity}`, "\xef\xbb\xbf{}", `[`, `{"a":1,"a":"Infinity"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got map[string]any
		var err error
		oracle.Watched(t, len(data), func() { got, err = Object(data) })
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var plain map[string]any
		if json.Valid(data) && dec.Decode(&plain) == nil && plain != nil && !bytes.Contains(data, []byte("mq:")) {
			if d := cmp.Diff(plain, got); d != "" || err != nil {
				t.Fatalf("%v\n%s", err, d)
			}
		}
	})
}

// TestTreesTakeLittleMoreMemoryThanTheirText, or are refused.
func TestTreesTakeLittleMoreMemoryThanTheirText(t *testing.T) {
	sizes := []int{1 << 20, 2 << 20, 4 << 20, 16 << 20}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, piece := range []string{"[]", "{}", `{"":0}`, `{"":{}}`, "[[[[]]]]", "NaN", "0", `""`, `"a"`, `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9}`} {
		for _, size := range sizes {
			text := []byte(`{"a":[` + strings.Repeat(piece+",", size/(len(piece)+1)) + piece + "]}")
			oracle.Bounded(t, len(text), func() { _, _ = Object(text) })
			oracle.Bounded(t, len(text), func() { var v any; _ = Unmarshal(text, &v) })
		}
	}
	// What publishers write is far below.
	text := []byte(`{"added_tokens_decoder":{"":0` + strings.Repeat(`,"1234":{"content":"<|token|>","lstrip":false,"normalized":false,"rstrip":false,"single_word":false,"special":true}`, 90_000) + "}}")
	if _, err := Object(text); err != nil {
		t.Error(err)
	}
}
