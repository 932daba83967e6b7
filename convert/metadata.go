package convert

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strings"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// metadata is what general.* says about a model, gathered from its card, the
// name in config.json and the folder's name, in this order of trust.
type metadata struct {
	sampling          gguf.KVs
	fields            map[string]string // by the key below "general."
	parents, datasets []origin
	tags, languages   []string
	notes             []string // on files that cannot be read and are not needed
}

// origin is a model or dataset that a model descends from, by field name.
type origin map[string]string

// fields lists the textual keys in writing order with their names in a card.
var fields = []struct {
	key  string
	card []string
}{
	{"name", []string{"name", "model_name"}},
	{"author", []string{"author", "model_author", "model_creator"}},
	{"version", []string{"version", "model_version"}},
	{"organization", []string{"organization", "model_organization"}},
	{"finetune", []string{"finetune", "model_finetune"}},
	{"basename", []string{"basename", "model_basename", "model_type"}},
	{"description", []string{"description", "model_description"}},
	{"quantized_by", nil},
	{"size_label", []string{"size_label", "model_size_label"}},
	{"license", []string{"license"}},
	{"license.name", []string{"license_name"}},
	{"license.link", []string{"license_link"}},
	{"url", nil},
	{"doi", nil},
	{"uuid", nil},
	{"repo_url", nil},
	{"source.url", []string{"url", "model_url"}},
	{"source.doi", []string{"doi", "model_doi"}},
	{"source.uuid", []string{"uuid", "model_uuid"}},
	{"source.repo_url", []string{"repo_url", "model_repo_url"}},
}

// originFields lists the keys of an origin in writing order.
var originFields = []string{"name", "author", "version", "organization", "description", "url", "doi", "uuid", "repo_url"}

// loadMetadata gathers the metadata of a checkpoint with the given number of
// weights. overrides, by the key below "general.", go before everything else.
func loadMetadata(ckpt *hf.Checkpoint, weights sizes, overrides map[string]string) metadata {
	m := metadata{fields: map[string]string{}}
	generation, err := ckpt.ReadJSON("generation_config.json")
	m.note(err, "its sampling parameters are left out")
	m.sampling = sampling(generation)
	for key, text := range overrides {
		m.fill(key, text)
	}
	front, err := ckpt.ModelCard()
	m.note(err, "its fields are left out")
	m.fromCard(front, weights.total)
	if path, err := ckpt.Config().String("_name_or_path"); err == nil && strings.Count(path, "/") <= 1 {
		m.fromID(parseModelID(path, weights.total))
	}
	m.fromID(parseModelID(ckpt.Name(), weights.total))
	m.fill("name", ckpt.Name())
	if weights.total > 0 {
		m.fill("size_label", weights.label())
	}
	return m
}

// note keeps an error about a file that a conversion can do without.
func (m *metadata) note(err error, consequence string) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.notes = append(m.notes, err.Error()+"; "+consequence)
	}
}

// fill gives a field a value unless it has one.
func (m metadata) fill(key, text string) {
	if m.fields[key] == "" && text != "" {
		m.fields[key] = text
	}
}

func (m metadata) fromID(id modelID) {
	m.fill("name", title(id.name))
	m.fill("organization", title(id.organization))
	m.fill("basename", id.basename)
	m.fill("finetune", id.finetune)
	m.fill("version", id.version)
	m.fill("size_label", id.sizeLabel)
}

func (m *metadata) fromCard(c card, weights int64) {
	for _, f := range fields {
		m.fill(f.key, c.text(f.card...))
	}
	m.parents = origins(c.items("base_model", "base_models", "base_model_sources"), weights)
	m.datasets = origins(c.items("datasets", "dataset", "dataset_sources"), weights)
	m.tags = c.list("tags", "pipeline_tag")
	m.languages = c.list("languages", "language")
}

var (
	remote = regexp.MustCompile(`^(http|https|ssh)://`)
	onHub  = regexp.MustCompile(`^https?://huggingface.co/([^/]+/[^/]+)$`)
)

// origins reads a list of hub ids, addresses or mappings.
func origins(items []any, weights int64) []origin {
	if items == nil {
		return nil
	}
	all := []origin{} // a list without items is written as such
	for _, item := range items {
		o := origin{}
		switch v := item.(type) {
		case string:
			id, address := v, ""
			if remote.MatchString(v) {
				id, address = "", v
				if match := onHub.FindStringSubmatch(v); match != nil {
					id = match[1]
				}
			}
			o.fromID(parseModelID(id, weights))
			if address != "" {
				o["repo_url"] = address
			}
		case map[string]any:
			for _, key := range originFields {
				if text, ok := v[key]; ok {
					o[key] = fmt.Sprint(text)
				}
			}
		}
		all = append(all, o)
	}
	return all
}

func (o origin) fromID(id modelID) {
	o.set("name", title(id.name))
	o.set("organization", title(id.organization))
	o.set("version", id.version)
	if id.organization != "" && id.name != "" {
		o["repo_url"] = "https://huggingface.co/" + id.organization + "/" + id.name
	}
}

func (o origin) set(key, text string) {
	if text != "" {
		o[key] = text
	}
}

// kvs writes the metadata in the order of the reference converter.
func (m metadata) kvs() gguf.KVs {
	kvs := m.sampling.Clone()
	for _, f := range fields {
		if text := m.fields[f.key]; text != "" {
			kvs.Set("general."+f.key, text)
		}
	}
	for _, list := range []struct {
		key   string
		items []origin
	}{{"general.base_model", m.parents}, {"general.dataset", m.datasets}} {
		if list.items == nil {
			continue
		}
		kvs.Set(list.key+".count", uint32(len(list.items)))
		for i, o := range list.items {
			for _, key := range originFields {
				if text, ok := o[key]; ok {
					kvs.Set(fmt.Sprintf("%s.%d.%s", list.key, i, key), text)
				}
			}
		}
	}
	if len(m.tags) > 0 {
		kvs.Set("general.tags", m.tags)
	}
	if len(m.languages) > 0 {
		kvs.Set("general.languages", m.languages)
	}
	return kvs
}

// sampling reads the recommended sampling parameters of generation_config.json.
func sampling(generation hf.Config) gguf.KVs {
	var kvs gguf.KVs
	for _, p := range []struct {
		key   string
		names []string
		whole bool
	}{
		{"top_k", []string{"top_k"}, true},
		{"top_p", []string{"top_p"}, false},
		{"min_p", []string{"min_p"}, false},
		{"xtc_probability", []string{"xtc_probability"}, false},
		{"xtc_threshold", []string{"xtc_threshold"}, false},
		{"temp", []string{"temperature"}, false},
		{"penalty_last_n", []string{"penalty_last_n"}, true},
		{"penalty_repeat", []string{"penalty_repeat", "repetition_penalty"}, false},
		{"mirostat", []string{"mirostat"}, true},
		{"mirostat_tau", []string{"mirostat_tau"}, false},
		{"mirostat_eta", []string{"mirostat_eta"}, false},
	} {
		for _, name := range p.names {
			x, err := generation.Float(name)
			limit := float64(math.MaxFloat32)
			if p.whole {
				limit = math.MaxInt32
			}
			if err != nil || !(math.Abs(x) <= limit) { // NaN is not, either
				continue
			}
			if p.whole {
				kvs.Set("general.sampling."+p.key, int32(x))
			} else {
				kvs.Set("general.sampling."+p.key, float32(x))
			}
			break
		}
	}
	return kvs
}
