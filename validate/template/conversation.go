package template

import (
	"errors"
	"fmt"

	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/validate/template/jinja"
)

// Conversation reads JSON as the variables of a template: a list of messages,
// or an object with messages, tools, documents and whatever else the template
// reads. Messages are made ready as transformers does: what is null is left
// out, and reasoning stands under every name that it has.
func Conversation(data []byte) (map[string]any, error) {
	decoded, err := jinja.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	variables := map[string]any{"tools": nil, "documents": nil, "add_generation_prompt": true}
	if object, ok := decoded.(*jinja.Dict); ok {
		for _, k := range object.Keys() {
			variables[k], _ = object.Get(k)
		}
		decoded = variables["messages"]
	}
	if err := areTools(variables["tools"]); err != nil {
		return nil, err
	}
	messages, ok := decoded.(jinja.List)
	if !ok {
		return nil, errors.New("it has no list of messages")
	}
	ready := make(jinja.List, len(messages))
	for i, m := range messages {
		message, ok := m.(*jinja.Dict)
		if !ok {
			return nil, fmt.Errorf("message %d is not an object", i+1)
		}
		if role, _ := message.Get("role"); role == nil {
			return nil, fmt.Errorf("message %d has no role", i+1)
		}
		ready[i] = readied(message)
	}
	variables["messages"] = ready
	return variables, nil
}

// Tools reads JSON as the tools of a conversation, a list of objects.
func Tools(data []byte) (any, error) {
	tools, err := jinja.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	return tools, areTools(tools)
}

func areTools(v any) error {
	tools, ok := v.(jinja.List)
	if !ok && v != nil {
		return errors.New("its tools are not a list")
	}
	for i, tool := range tools {
		if _, ok := tool.(*jinja.Dict); !ok {
			return fmt.Errorf("tool %d is not an object", i+1)
		}
	}
	return nil
}

// readied is a message without nulls, with its reasoning under every name.
func readied(message *jinja.Dict) *jinja.Dict {
	var reasoning any
	for _, name := range []string{"reasoning_content", "thinking", "reasoning"} {
		if v, _ := message.Get(name); v != nil {
			reasoning = v
			break
		}
	}
	ready := &jinja.Dict{}
	if reasoning != nil {
		ready.Set("thinking", reasoning)
	}
	for _, k := range message.Keys() {
		if v, _ := message.Get(k); v != nil {
			ready.Set(k, v)
		}
	}
	if reasoning != nil {
		ready.Set("reasoning_content", reasoning)
	}
	return ready
}

// Said is the conversation of one message of the user.
func Said(text string) map[string]any {
	return map[string]any{
		"messages": []any{map[string]any{"role": "user", "content": text}}, "tools": nil, "documents": nil, "add_generation_prompt": true,
	}
}

// AddSpecial gives a conversation the spellings of the special tokens, which
// templates know as bos_token and so on, but for those that it has.
func AddSpecial(variables map[string]any, words *tokenizer.Tokenizer) {
	for _, role := range []string{"bos", "eos", "unk", "sep", "pad", "mask", "cls"} {
		if _, ok := variables[role+"_token"]; ok {
			continue
		}
		if s := spelled(words, role); s != "" {
			variables[role+"_token"] = s
		}
	}
}

// spelled is the spelling of a special token, empty where there is none.
func spelled(words *tokenizer.Tokenizer, role string) string {
	if words == nil {
		return ""
	}
	id, ok := words.Special(role)
	if !ok {
		return ""
	}
	text, _, _ := words.Token(id)
	return text
}
