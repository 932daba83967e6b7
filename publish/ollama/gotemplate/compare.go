package gotemplate

import (
	"context"
	"fmt"

	"github.com/f190792d/mq/formats/fault"
)

// conversations are what two templates are compared on, each also without its
// system message. Contents neither begin nor end with space, which templates
// in Jinja trim at will and Go templates cannot.
var conversations = [][]Message{
	{{"system", "You answer in one sentence."}, {"user", "What is the capital of France?"}},
	{
		{"system", "Be brief.\n\nUse {\"json\": [1, 2]} where it helps; never {{ braces }} or {% tags %}."},
		{"user", "Was heißt „Grüße“ auf Chinesisch?\nUnd auf Japanisch?"}, {"assistant", "问候 🙂\n\n```go\nfmt.Println(\"<b>&amp;</b>\")\n```"},
		{"user", "a"},
	},
	{
		{"system", "s"}, {"user", "1 + 1?"}, {"assistant", "2"}, {"user", "2 + 2?"}, {"assistant", "It's 4."}, {"user", "And 3 * 3 < 10?"},
		{"assistant", "Yes.\n- 9 < 10"}, {"user", "Thanks!\n\n\nBye."},
	},
}

// compare renders the conversations by both templates and returns their
// number, or an error that says where they differ.
func compare(ctx context.Context, render Render, source string, t *turns) (int, error) {
	n := 0
	for i, messages := range conversations {
		asks := []Ask{{Messages: messages[1:], Generate: true}}
		if t.where != nowhere {
			asks = append(asks, Ask{Messages: messages, Generate: true})
		}
		for mode := range t.answer {
			if mode != Unsaid && len(t.answer) == 3 {
				asks = append(asks, Ask{Messages: messages[1:], Generate: true, Thinking: mode})
			}
		}
		for _, ask := range asks {
			want, err := render(ctx, ask)
			if err != nil {
				return n, err
			}
			got, err := Execute(source, ask)
			if err != nil {
				return n, err
			}
			if got != want {
				return n, differ(i, got, want)
			}
			n++
		}
	}
	return n, nil
}

// differ shows where two texts part.
func differ(conversation int, got, want string) error {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	piece := func(s string) string { return s[at:min(at+24, len(s))] }
	return fault.Unsupported("%s", fmt.Sprintf("conversation %d, byte %d: %q, the model's own %q", conversation+1, at, piece(got), piece(want)))
}
