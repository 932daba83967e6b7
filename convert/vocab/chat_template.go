package vocab

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// readChat finds the chat template as Transformers does: chat_template.jinja
// with those beside it, else the template of tokenizer_config.json, else
// chat_template.json; a null counts as absent. The result is a string, a list
// of named templates, or nil.
func (v *specialVocab) readChat(files tokenizer.Files, config map[string]any) error {
	object, err := readObject(files, "chat_template.json")
	if err != nil {
		return err
	}
	inline := config["chat_template"]
	var jinja any
	raw, err := files.ReadFile("chat_template.jinja")
	if err == nil {
		jinja, err = namedTemplates(files, universalNewlines(string(raw)))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, source := range []struct {
		file string
		chat any
	}{{"chat_template.jinja", jinja}, {"tokenizer_config.json", inline}, {"chat_template.json", object["chat_template"]}} {
		switch source.chat.(type) {
		case string, []any:
		default:
			continue
		}
		if v.chat == nil {
			v.chat, v.chatFile = source.chat, source.file
		} else if !reflect.DeepEqual(v.chat, source.chat) {
			v.notes = append(v.notes, fmt.Sprintf("tokenizer: %s and %s have different chat templates: the former's is taken, as Transformers does", v.chatFile, source.file))
		}
	}
	return nil
}

// namedTemplates adds the templates of additional_chat_templates to the
// default one, each under the name of its file.
func namedTemplates(files tokenizer.Files, main string) (any, error) {
	const folder = "additional_chat_templates"
	all := []any{map[string]any{"name": "default", "template": main}}
	for _, file := range tokenizer.List(files, folder) {
		name, ok := strings.CutSuffix(file, ".jinja")
		if !ok {
			continue
		}
		raw, err := files.ReadFile(folder + "/" + file)
		if err != nil {
			return nil, err
		}
		all = append(all, map[string]any{"name": name, "template": universalNewlines(string(raw))})
	}
	if len(all) == 1 {
		return main, nil
	}
	return all, nil
}

func universalNewlines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// appendChat writes the chat template and named ones beside it.
func (v *specialVocab) appendChat(kvs *gguf.KVs) {
	const chatKey = "tokenizer.chat_template"
	main, ok := v.chat.(string)
	list, _ := v.chat.([]any)
	var names []string
	for _, item := range list {
		choice, _ := item.(map[string]any)
		name, _ := choice["name"].(string)
		template, isText := choice["template"].(string)
		name = strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' {
				return r
			}
			return '_'
		}, name)
		switch {
		case name == "" || !isText:
		case name == "default":
			main, ok = template, true
		default:
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			kvs.Set(chatKey+"."+name, template)
		}
	}
	if len(names) > 0 {
		kvs.Set("tokenizer.chat_templates", names)
	}
	if ok {
		kvs.Set(chatKey, main)
	} else if len(names) > 0 {
		v.notes = append(v.notes, fmt.Sprintf("tokenizer: %s has chat templates called %s and none called default: programs that do not ask for one by name use their own", v.chatFile, strings.Join(names, ", ")))
	}
}
