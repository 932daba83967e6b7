package vocab

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// newSpecialVocab reads tokenizer.json (already parsed, or nil), the
// configurations and the chat template.
func newSpecialVocab(files tokenizer.Files, parsed *tokenizer.File, merges bool, limit int) (*specialVocab, error) {
	v := &specialVocab{roles: slices.Clone(roleNames), limit: limit}
	config, err := readObject(files, "tokenizer_config.json")
	if err != nil {
		return nil, err
	}
	if parsed != nil {
		if merges {
			if v.merges, err = mergeLines(parsed); err != nil {
				return nil, err
			}
		}
		v.normalizer(parsed.Normalizer.Steps())
		v.postProcessor(parsed.PostProcessor.Steps(), config)
	}
	if len(config) > 0 {
		if err := v.fromConfig(files, config, parsed); err != nil {
			return nil, err
		}
	} else if err := v.readChat(files, nil); err != nil {
		return nil, err
	}
	model, err := readConfig(files, "config.json")
	if err != nil {
		return nil, err
	}
	text, _ := model.Text()
	for _, role := range v.roles {
		key := role + "_token_id"
		from := model
		if !model.Has(key) {
			from = text
		}
		if id, err := from.Int(key); err == nil {
			if err := v.setID("config.json", role, id); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// mergeLines writes merges as GGUF has them. A space within a token is written
// as in the byte alphabet.
func mergeLines(f *tokenizer.File) ([]string, error) {
	space := tokenizer.ToByteChars(" ")
	var lines []string
	err := f.Merges(func(_ int, left, right string) error {
		lines = append(lines, strings.ReplaceAll(left, " ", space)+" "+strings.ReplaceAll(right, " ", space))
		return nil
	})
	return lines, err
}

func (v *specialVocab) normalizer(steps []*tokenizer.Step) {
	t := true
	for _, s := range steps {
		switch s.Type {
		case "Lowercase":
			v.lower = &t
		case "StripAccents":
			v.accents = &t
		case "BertNormalizer":
			v.lower, v.accents = or(s.Lowercase, v.lower), or(s.StripAccents, v.accents)
		}
	}
}

func or(a, b *bool) *bool {
	if a != nil {
		return a
	}
	return b
}

// same reports whether a configuration entry is this token, as a plain string.
func same(entry any, token string) bool {
	s, ok := entry.(string)
	return ok && s == token
}

func truthy(entry any) bool {
	s, ok := entry.(string)
	return entry != nil && (!ok || s != "")
}

// postProcessor reads from the template which special tokens stand around a
// text. It completes the configuration with what that tells.
func (v *specialVocab) postProcessor(steps []*tokenizer.Step, config map[string]any) {
	known := len(config) > 0
	if !known {
		config = map[string]any{}
	}
	if !truthy(config["bos_token"]) && truthy(config["cls_token"]) {
		config["bos_token"] = config["cls_token"]
	}
	if !truthy(config["eos_token"]) && truthy(config["sep_token"]) {
		config["eos_token"] = config["sep_token"]
	}
	for i := range steps {
		switch p := steps[i]; p.Type {
		case "RobertaProcessing":
			for _, role := range []string{"bos", "eos", "sep"} {
				v.add.set(role, true)
			}
			if !truthy(config["cls_token"]) && len(p.CLS) > 0 {
				config["cls_token"] = p.CLS[0]
			}
			if !truthy(config["sep_token"]) && len(p.SEP) > 0 {
				config["sep_token"] = p.SEP[0]
			}
		case "TemplateProcessing":
			v.templates(p, config, known)
		}
	}
}

// specialOf is the special token of a piece of a template, "" for another one.
func specialOf(p *tokenizer.TemplatePiece) string {
	if p.SpecialToken == nil {
		return ""
	}
	return p.SpecialToken.ID
}

func (v *specialVocab) templates(p *tokenizer.Step, config map[string]any, known bool) {
	var first, last string
	if n := len(p.Single); n > 1 {
		if first = specialOf(&p.Single[0]); first != "" {
			isFirst := func() bool { return same(config["bos_token"], first) || same(config["cls_token"], first) }
			if !known {
				config["bos_token"] = first
			} else if !isFirst() {
				if !truthy(config["bos_token"]) {
					config["bos_token"] = first
				}
				if !truthy(config["cls_token"]) {
					config["cls_token"] = first
				}
			}
			v.add.set("bos", isFirst())
		}
		if last = specialOf(&p.Single[n-1]); last != "" {
			if known && !same(config["eos_token"], last) {
				// The configured end is another token: it ends a turn.
				for _, role := range []string{"eot", "eom"} {
					if !slices.Contains(v.roles, role) {
						v.roles = append(v.roles, role)
						config[role+"_token"] = config["eos_token"]
						break
					}
				}
			}
			config["eos_token"] = last
			v.add.set("eos", true)
		}
	}
	v.pair(p.Pair, first, last, config)
}

// pair finds out whether a separator stands between two texts.
func (v *specialVocab) pair(pair []tokenizer.TemplatePiece, first, last string, config map[string]any) {
	if len(pair) > 0 && first != "" && specialOf(&pair[0]) == first {
		pair = pair[1:]
	}
	if len(pair) > 0 && last != "" && specialOf(&pair[len(pair)-1]) == last {
		pair = pair[:len(pair)-1]
	}
	is := func(p tokenizer.TemplatePiece, id string) bool { return p.Sequence != nil && p.Sequence.ID == id }
	if len(pair) < 3 || !is(pair[0], "A") || !is(pair[len(pair)-1], "B") {
		return
	}
	between := pair[1 : len(pair)-1]
	separates := func(p tokenizer.TemplatePiece) bool {
		s := specialOf(&p)
		return s != "" && (same(config["sep_token"], s) || same(config["eos_token"], s))
	}
	add := separates(between[0]) && last == "" || len(between) == 2 && separates(between[1])
	v.add.set("sep", add)
	if add && !truthy(config["sep_token"]) {
		config["sep_token"] = config["eos_token"]
	}
}

// fromConfig reads tokenizer_config.json and the chat template.
func (v *specialVocab) fromConfig(files tokenizer.Files, config map[string]any, parsed *tokenizer.File) error {
	if err := v.readChat(files, config); err != nil {
		return err
	}
	for _, role := range v.roles {
		if add, ok := config["add_"+role+"_token"].(bool); ok {
			v.add.set(role, add)
		}
		content, ok := config[role+"_token"].(string)
		if object, isObject := config[role+"_token"].(map[string]any); isObject {
			content, ok = object["content"].(string)
		}
		if !ok || parsed == nil {
			continue
		}
		for _, a := range parsed.AddedTokens {
			if a.Content == content {
				if err := v.setID("tokenizer.json", role, a.ID); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// writers are the roles that have a key.
var writers = map[string]string{"bos": "bos", "eos": "eos", "unk": "unknown", "sep": "seperator", "pad": "padding", "mask": "mask", "eot": "eot", "eom": "eom"} //nolint:misspell // the key is spelled so

// append writes everything after kvs.
func (v *specialVocab) append(kvs *gguf.KVs) {
	if len(v.merges) > 0 {
		kvs.Set(key("merges"), v.merges)
	}
	for _, role := range v.ids.keys {
		if name, ok := writers[role]; ok {
			kvs.Set(key(name+"_token_id"), uint32(v.ids.values[role]))
		}
	}
	for _, role := range v.add.keys {
		if role == "bos" || role == "eos" || role == "sep" {
			kvs.Set(key("add_"+role+"_token"), v.add.values[role])
		}
	}
	v.appendChat(kvs)
	if v.lower != nil {
		kvs.Set(key("normalizer.lowercase"), *v.lower)
	}
	if v.accents != nil {
		kvs.Set(key("normalizer.strip_accents"), *v.accents)
	}
}
