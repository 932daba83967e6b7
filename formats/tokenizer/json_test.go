package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/f190792d/mq/internal/vocabtest"
)

// vocabularyFile reads a vocabulary by the name that it has in ids.py.
func vocabularyFile(t testing.TB, name string) []byte {
	t.Helper()
	first, rest, _ := strings.Cut(name, "/")
	switch first {
	case "qwen.tiktoken":
		return vocabtest.QwenRanks(t, FromByteChars)
	case "trained":
		return vocabtest.Unpack(t, "testdata/"+name)
	case "testdata":
		return vocabtest.Unpack(t, name)
	case "mistral_common":
		folder := os.Getenv("MQ_MISTRAL_COMMON")
		if folder == "" {
			t.Skip("MQ_MISTRAL_COMMON does not name the data folder of the mistral-common package")
		}
		return vocabtest.Unpack(t, filepath.Join(folder, rest))
	}
	return vocabtest.File(t, "data", "tokenizers", name)
}

// openStories loads the tokenizer of the test model in the repository.
func openStories(t testing.TB) *Tokenizer {
	t.Helper()
	const dir = "../../testdata/stories-llama/"
	tok, err := FromJSON([]byte(readFile(t, dir+"tokenizer.json")), []byte(readFile(t, dir+"tokenizer_config.json")))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestStoriesTokenizerGivesKnownIDs(t *testing.T) {
	tok := openStories(t)
	ids := encoded(tok, readShared(t, "data", "text", "stories-heldout.txt"), Options{ParseSpecial: true})
	if len(ids) != 60480 || digest(ids) != "8e15045a353a966a0d9abb7d987d52364fccccbabcee2aee10be1454330093ab" {
		t.Errorf("got %d tokens", len(ids))
	}
}

// idLines writes ids as internal/fixtures/tokenizer/ids.py does.
func idLines(tok *Tokenizer, texts []string, opts Options) string {
	var sb strings.Builder
	for _, text := range texts {
		for i, id := range encoded(tok, text, opts) {
			if i > 0 {
				sb.WriteByte(' ')
			}
			sb.WriteString(strconv.Itoa(int(id)))
		}
		sb.WriteByte('\n')
	}
	return sb.String()
}

// checkDigest compares ids with a digest. Where MQ_TOKENIZER_DUMP names the
// folder that ids.py --dump wrote, a difference is shown.
func checkDigest(t *testing.T, name, corpus, want string, texts []string, lines string) {
	t.Helper()
	sum := sha256.Sum256([]byte(lines))
	if hex.EncodeToString(sum[:]) == want {
		return
	}
	t.Errorf("%s: ids differ from the reference's", corpus)
	dump, err := os.ReadFile(filepath.Join(os.Getenv("MQ_TOKENIZER_DUMP"), strings.ReplaceAll(name, "/", "_")+"."+corpus))
	if err != nil {
		return
	}
	got, ref := strings.Split(lines, "\n"), strings.Split(string(dump), "\n")
	shown := 0
	for i := range texts {
		if i < len(ref) && got[i] != ref[i] && shown < 5 {
			shown++
			t.Logf("text %d %.300q\ngot  %.300s\nwant %.300s", i, texts[i], got[i], ref[i])
		}
	}
}

// libraryOf is the reader of a file whose library the digests come from.
func libraryOf(name string) func(raw []byte) (*Tokenizer, error) {
	switch {
	case strings.Contains(name, "tekken"):
		return FromTekken
	case strings.Contains(name, ".json"):
		return func(raw []byte) (*Tokenizer, error) { return FromJSON(raw, nil) }
	case strings.Contains(name, ".tiktoken"):
		return func(raw []byte) (*Tokenizer, error) { return FromTiktoken(raw, TiktokenOptions{}) }
	}
	return FromSentencePiece
}

// The digests are of the ids that Hugging Face tokenizers, SentencePiece,
// tiktoken and mistral-common give.
func TestGivesLibrariesIDs(t *testing.T) {
	corpora := map[string][]string{
		"wiki":   {readShared(t, "data", "text", "wiki.test.raw")},
		"sample": vocabtest.Sample(),
		"fuzzed": vocabtest.Fuzzed(10_000, 1),
		"broken": vocabtest.Broken(2_000, 2),
	}
	tests := map[string][][2]string{}
	for _, line := range strings.Split(strings.TrimSpace(readFile(t, "testdata/ids.tsv")), "\n") {
		row := strings.Split(line, "\t")
		tests[row[0]] = append(tests[row[0]], [2]string{row[1], row[2]})
	}
	for name, rows := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vocabtest.SkipLarge(t, name)
			raw := vocabularyFile(t, name)
			opts := Options{ParseSpecial: strings.Contains(name, ".json") && !strings.Contains(name, "tekken")}
			tok, err := libraryOf(name)(raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if testing.Short() && row[0] != "sample" {
					continue // long
				}
				texts := corpora[row[0]]
				checkDigest(t, name, row[0], row[1], texts, idLines(tok, texts, opts))
			}
		})
	}
}
