package hf

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/f190792d/mq/internal/oracle"
)

// TestEveryFileOfAFolderIsReadWithinItsBounds: sixteen megabytes of whatever
// costs a parser most for each byte.
func TestEveryFileOfAFolderIsReadWithinItsBounds(t *testing.T) {
	size := 16 << 20
	if testing.Short() {
		size = 1 << 20
	}
	whole := func(before, piece, after string) []byte {
		return []byte(before + strings.Repeat(piece, (size-len(before)-len(after))/len(piece)) + after)
	}
	counted := func(before, piece, after string, limit int) []byte {
		text := []byte(before)
		for i := 0; len(text) < limit; i++ {
			text = fmt.Appendf(text, piece, i)
		}
		return append(text, after...)
	}
	for name, text := range map[string][]byte{
		"empty lists":    whole(`{"a":[`, "[],", "[]]}"),
		"empty objects":  whole(`{"a":[`, "{},", "{}]}"),
		"objects":        whole(`{"a":[`, `{"":0},`, "{}]}"),
		"constants":      whole(`{"a":[`, "NaN,", "NaN]}"),
		"minus signs":    whole(`{"a":[`, "-", "]}"),
		"deep lists":     whole(`{"a":`, "[", ""),
		"deep objects":   whole(``, `{"":`, ""),
		"escapes":        whole(`{"a":"`, `\u0000`, `"}`),
		"digits":         whole(`{"a":`, "1", "}"),
		"keys":           counted("{", `"%d":0,`, `"":0}`, size),
		"the same key":   whole("{", `"a":{"a":0},`, `"a":0}`),
		"one long key":   whole(`{"`, "a", `":0}`),
		"white space":    whole("{", " ", "}"),
		"names":          counted(`{"weight_map":{`, `"%d":"x",`, `"":"x"}}`, size),
		"files":          counted(`{"weight_map":{`, `"%[1]d":"%[1]d",`, `"":"x"}}`, size),
		"yaml anchors":   counted("---\n", "a%d: &a%[1]d [b, c]\n", "\n---\n", size),
		"yaml aliases":   whole("---\na: &a [b]\nc: [", "*a,", "]\n---\n"),
		"yaml lists":     whole("---\na: ", "[", "\n---\n"),
		"yaml questions": whole("---\n", "? ", "\n---\n"),
		"yaml dashes":    whole("---\n", "- ", "\n---\n"),
		"lines":          whole("---\n", "\n", "---\n"),
		"zeros":          whole("", "\x00", ""),
	} {
		t.Run(name, func(t *testing.T) {
			for file, parse := range map[string]func(){
				"config.json":                  func() { _, _ = ParseConfig(text, "config.json") },
				"a file of the library's":      func() { var v any; _ = UnmarshalJSON(text[:min(len(text), maxConfig)], &v) },
				"README.md":                    func() { _, _ = (&Folder{fsys: fstest.MapFS{"README.md": {Data: text}}, name: "m"}).ModelCard() },
				"model.safetensors.index.json": func() { _, _ = readIndex(&Folder{fsys: fstest.MapFS{"i": {Data: text}}, name: "m"}, "i") },
			} {
				t.Run(file, func(t *testing.T) { oracle.Bounded(t, len(text), parse) })
			}
			// The longest that is read as a tree.
			short := counted(string(text[:min(len(text), maxConfig/2)]), "", "", 0)
			t.Run("config.json, cut", func(t *testing.T) { oracle.Bounded(t, len(short), func() { _, _ = ParseConfig(short, "config.json") }) })
		})
	}
	for name, piece := range map[string]string{"lists": "[],", "objects": "{},", "pairs": `{"":0},`, "constants": "NaN,", "numbers": "0,"} {
		text := []byte(`{"a":[` + strings.Repeat(piece, (maxConfig-20)/len(piece)) + strings.TrimSuffix(piece, ",") + "]}")
		t.Run("whole config of "+name, func(t *testing.T) {
			oracle.Bounded(t, len(text), func() { _, _ = ParseConfig(text, "config.json") })
		})
	}
}
