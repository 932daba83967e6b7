package vocab

import (
	"errors"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

func TestANameThatTheCallerChoosesIsTakenWithANote(t *testing.T) {
	files := testCheckpoints[0].files(t)
	v, err := Read(t.Context(), files, Options{Pre: "gpt-2"})
	if err != nil {
		t.Fatal(err)
	}
	if v.Pre() != "gpt-2" || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "of the probe is") {
		t.Errorf("pre-tokenizer %q, notes %q", v.Pre(), v.Notes)
	}
	if v, err = Read(t.Context(), files, Options{Pre: "llama-bpe"}); err != nil || len(v.Notes) != 0 {
		t.Errorf("the name that is recognized: %q, %v", v.Notes, err)
	}
	if _, err := Read(t.Context(), files, Options{Pre: "gtp-2"}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := Read(t.Context(), memFiles{"tokenizer.model": toyPieces(2)}, Options{Pre: "gpt-2"}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("a vocabulary without pre-tokenizer: %v", err)
	}
}
