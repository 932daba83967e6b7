package template

import (
	"context"
	"errors"
	"strings"

	"github.com/f190792d/mq/validate/template/jinja"
)

// Render renders a chat template with the variables that transformers gives
// it. A template that does not parse, raises, runs too long, or grows too
// large is an error.
func Render(ctx context.Context, source string, variables map[string]any) (string, error) {
	t, err := jinja.Parse(source)
	if err != nil {
		return "", shorten(err)
	}
	text, err := t.Render(ctx, variables, jinja.Options{})
	return text, shorten(err)
}

// maxMessage bounds a message about a template, which may quote that.
const maxMessage = 300

// shorten cuts a long message.
func shorten(err error) error {
	if err == nil || len(err.Error()) <= maxMessage {
		return err
	}
	return errors.New(strings.ToValidUTF8(err.Error()[:maxMessage], "") + "…")
}
