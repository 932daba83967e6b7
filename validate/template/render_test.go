package template

import (
	"context"
	"strings"
	"testing"
)

func TestRenderingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if text, err := Render(ctx, "{% for m in [1] %}x{% endfor %}", nil); err == nil {
		t.Errorf("rendered %q", text)
	}
}

func TestMessagesAreShort(t *testing.T) {
	_, err := Render(t.Context(), "{{ raise_exception('x' * 100000) }}", nil)
	if err == nil || len(err.Error()) > maxMessage+10 || !strings.Contains(err.Error(), "raises") {
		t.Error(err)
	}
}
