package gotemplate

import (
	"context"
	"errors"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Message is one turn of a conversation.
type Message struct{ Role, Content string }

// Thinking is whether the model shall think before it answers.
type Thinking int

// The ways to ask for it.
const (
	Unsaid Thinking = iota
	On
	Off
)

// Ask is a conversation to render.
type Ask struct {
	Messages []Message
	Generate bool // with the beginning of an answer
	Thinking Thinking
}

// Render renders a conversation by the model's own template.
type Render func(ctx context.Context, ask Ask) (string, error)

// place is where a template puts the system message.
type place int

const (
	nowhere   place = iota // it knows none
	ownTurn                // before the others
	firstUser              // in the first turn of the user
	lastUser               // in the last one
)

// around is the text before and after a content.
type around struct{ before, behind string }

// turns is what a template renders beside the contents.
type turns struct {
	lead            string // before the first turn where there is no system message
	user, assistant around
	system          around
	where           place
	answer          map[Thinking]string // the beginning of an answer
}

// The contents that the text is found around. They are single words, as
// templates trim what they print.
var (
	aSystem = Message{"system", "Zsystem0Z"}
	aUser   = Message{"user", "Zuser1Z"}
	anReply = Message{"assistant", "Zreply2Z"}
	another = Message{"user", "Zuser3Z"}
)

// errShape is why a template is none of turns around contents.
var errShape = errors.New("it does not render turns one after the other")

// split renders a conversation and returns the text between the contents, in
// the order in which they must stand.
func split(ctx context.Context, render Render, ask Ask, order ...Message) ([]string, error) {
	text, err := render(ctx, ask)
	if err != nil {
		return nil, err
	}
	var pieces []string
	for _, m := range order {
		before, rest, ok := strings.Cut(text, m.Content)
		if !ok || strings.Contains(rest, m.Content) {
			return nil, errShape
		}
		pieces, text = append(pieces, before), rest
	}
	return append(pieces, text), nil
}

// probe finds the turns of a template.
func probe(ctx context.Context, render Render) (*turns, error) {
	t := &turns{answer: map[Thinking]string{}}
	one, err := split(ctx, render, Ask{Messages: []Message{aUser}}, aUser)
	if err != nil {
		return nil, err
	}
	t.user.behind = one[1]
	for _, mode := range []Thinking{Unsaid, On, Off} {
		asked, err := split(ctx, render, Ask{Messages: []Message{aUser}, Generate: true, Thinking: mode}, aUser)
		if err != nil {
			return nil, err
		}
		answer, ok := strings.CutPrefix(asked[1], t.user.behind)
		switch {
		case ok && asked[0] == one[0]:
			t.answer[mode] = answer
		case mode == Unsaid:
			return nil, errShape
		}
	}
	ended, err := split(ctx, render, Ask{Messages: []Message{aUser, anReply}}, aUser, anReply)
	if err != nil {
		return nil, err
	}
	three, err := split(ctx, render, Ask{Messages: []Message{aUser, anReply, another}, Generate: true}, aUser, anReply, another)
	if err != nil {
		return nil, err
	}
	var ok bool
	if t.assistant.before, ok = strings.CutPrefix(three[1], t.user.behind); !ok {
		return nil, errShape
	}
	t.assistant.behind = ended[2]
	if t.user.before, ok = strings.CutPrefix(three[2], ended[2]); !ok || !strings.HasSuffix(one[0], t.user.before) {
		// the last answer ends in another way, or the first turn begins in one
		t.user.before = commonEnd(one[0], three[2])
		t.assistant.behind = strings.TrimSuffix(three[2], t.user.before)
	}
	t.lead = strings.TrimSuffix(one[0], t.user.before)
	return t, t.findSystem(ctx, render)
}

// findSystem finds the place of the system message. A template that refuses
// one, or leaves it out, has no place for it.
func (t *turns) findSystem(ctx context.Context, render Render) error {
	ask := Ask{Messages: []Message{aSystem, aUser, anReply, another}, Generate: true}
	pieces, err := split(ctx, render, ask, aSystem, aUser, anReply, another)
	switch {
	case err == nil:
		t.system = around{pieces[0], pieces[1]}
		t.where = firstUser
		if behind, ok := strings.CutSuffix(pieces[1], t.user.before); ok {
			t.where, t.system.behind = ownTurn, behind
		}
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if pieces, err = split(ctx, render, ask, aUser, anReply, aSystem, another); err == nil {
		before, ok := strings.CutPrefix(pieces[2], t.assistant.behind)
		if !ok {
			return errShape
		}
		t.where, t.system = lastUser, around{before, pieces[3]}
	}
	return nil
}

// commonEnd is the longest text that both end with.
func commonEnd(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	end := a[len(a)-n:]
	for end != "" && end[0] >= 0x80 && end[0] < 0xc0 { // within a character
		end = end[1:]
	}
	return end
}

// Derived is a template in the language of Ollama.
type Derived struct {
	Text     string
	Markers  []string // what begins a turn of the user and ends one of the assistant
	System   bool     // the model's own template takes system messages
	Compared int      // conversations on which the two gave equal text
}

// Derive writes the Go template that renders what another template renders.
// thinks adds what Ollama finds the thoughts of an answer by: tags before and
// behind them, both empty for a model that does not think. The error is
// [fault.ErrUnsupported] where no such template is found.
func Derive(ctx context.Context, render Render, thinks [2]string) (*Derived, error) {
	at := fault.Op("ollama").Key("tokenizer.chat_template")
	t, err := probe(ctx, render)
	if err != nil {
		return nil, at.Unsupported("no template for Ollama can be derived: %w", err)
	}
	d := &Derived{Text: t.write(thinks), System: t.where != nowhere}
	for _, s := range []string{t.user.before, t.assistant.behind} {
		if s = strings.TrimSpace(s); s != "" {
			d.Markers = append(d.Markers, s)
		}
	}
	if d.Compared, err = compare(ctx, render, d.Text, t); err != nil {
		return nil, at.Unsupported("the template derived for Ollama gives other text: %w", err)
	}
	return d, nil
}
