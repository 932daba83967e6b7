package fault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMessagesNamePlaceAndRule(t *testing.T) {
	for want, err := range map[string]error{
		`gguf: m.gguf: tensor "a": offset 3 is odd`: Op("gguf").File("m.gguf").Tensor("a").Corrupt("offset %d is odd", 3),
		`gguf: m.gguf: key "k": wrong`:              Op("gguf").File("m.gguf").Key("k").Check("wrong"),
		`quantize: tensor "a": unexpected EOF`:      Op("quantize").Tensor("a").IO("%w", io.ErrUnexpectedEOF),
		`hf: no weights`:                            Op("hf").Invalid("no weights"),
		`hf: m: config.json: key "k" is missing`:    Op("hf").Folder("m").File("config.json").Key("k").Corrupt(" is missing"),
		`100 % wrong`:                               Unsupported("%d %% wrong", 100),
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func TestErrorsKeepTheirClassAndCauseWhateverWrapsThem(t *testing.T) {
	for class, report := range map[Class]func(string, ...any) error{
		ErrCheck: Check, ErrUnsupported: Unsupported, ErrCorrupt: Corrupt, ErrInvalid: Invalid, ErrIO: IO,
	} {
		err := fmt.Errorf("outside: %w", report("both %w and %w", fs.ErrNotExist, io.EOF))
		for _, other := range []Class{ErrCheck, ErrUnsupported, ErrCorrupt, ErrInvalid, ErrIO} {
			if errors.Is(err, other) != (other == class) {
				t.Errorf("%v is %v: %v", class, other, errors.Is(err, other))
			}
		}
		if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, io.EOF) {
			t.Errorf("%v lost its causes", err)
		}
	}
}

func TestFieldsAreReadWithErrorsAs(t *testing.T) {
	err := fmt.Errorf("outside: %w", Op("gguf").File("m").Tensor("t").Key("k").Corrupt("rule: %w", io.EOF))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal("no *Error")
	}
	if want := (Error{ErrCorrupt, "gguf", "", "m", "t", "k", "rule: EOF", io.EOF, nil}); *e != want {
		t.Errorf("%#v, want %#v", *e, want)
	}
}

func TestKindsAreFoundAndNotShown(t *testing.T) {
	kind := errors.New("kind")
	for _, err := range []error{
		Op("quantize").Kind(kind).Tensor("a").Unsupported("rule: %w", io.EOF),
		Place{}.Kind(kind).Of(Op("quantize").Tensor("a").Unsupported("rule: %w", io.EOF)),
	} {
		if !errors.Is(err, kind) || !errors.Is(err, ErrUnsupported) || !errors.Is(err, io.EOF) || err.Error() != `quantize: tensor "a": rule: EOF` {
			t.Errorf("%+v", err)
		}
	}
}

func TestOfFillsInWhatIsMissing(t *testing.T) {
	here := Op("safetensors").File("m")
	for _, c := range []struct {
		err   error
		class Class
		want  string
	}{
		{Op("").Tensor("a").Corrupt("hole"), ErrCorrupt, `safetensors: m: tensor "a": hole`},
		{Op("json").Unsupported("rule"), ErrUnsupported, `json: m: rule`},
		{io.EOF, ErrIO, `safetensors: m: EOF`},
		{fmt.Errorf("around: %w", Check("rule")), ErrCheck, `safetensors: m: around: rule`},
	} {
		got := here.Of(c.err)
		if got.Error() != c.want || !errors.Is(got, c.class) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	first := Op("").Corrupt("rule")
	_ = here.Of(first)
	if first.Error() != "rule" {
		t.Errorf("the error itself was changed: %q", first)
	}
}

func TestMessagesAreShortAndPrintable(t *testing.T) {
	hostile := []string{
		"red \x1b[31m", "line\nline", "bell\a", "\x7f", "c1 \u009b", "turned \u202e text", "\u2066", "bad \xff\xfe", "\u2028", "\r",
		strings.Repeat("long", 1<<20), strings.Repeat("\x1b", 5000), strings.Repeat("ä", 3000), strings.Repeat("\x80", 1<<16),
	}
	for _, name := range hostile {
		for _, err := range []error{
			Op(name).File(name).Tensor(name).Key(name).Corrupt("the rule"),
			Op("gguf").File(name).Corrupt("%s and %q, the rule", name, name),
			Corrupt("%v, the rule", []string{name}),
			Op("a").Of(fmt.Errorf("%s: %w", name, Corrupt("the rule"))),
		} {
			text := err.Error()
			if len(text) > 2048 || !utf8.ValidString(text) || strings.IndexFunc(text, unprintable) >= 0 {
				t.Errorf("%d bytes: %.100q", len(text), text)
			}
			if !strings.HasSuffix(text, "the rule") {
				t.Errorf("the rule is gone: …%q", text[max(0, len(text)-100):])
			}
		}
	}
}

func TestPrintableLeavesOrdinaryTextAlone(t *testing.T) {
	for _, text := range []string{"", "plain", "große Wörter 一句中文 🙂 \ufffd", `"quoted\n"`, "50 %"} {
		if got := Printable(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b\xffä\ufffd")
	f.Fuzz(func(t *testing.T, text string) {
		got := Printable(text)
		if len(got) > 2048 || !utf8.ValidString(got) || strings.IndexFunc(got, unprintable) >= 0 || Printable(got) != got {
			t.Errorf("%q", got)
		}
	})
}
