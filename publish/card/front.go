package card

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/f190792d/mq/formats/gguf"
)

// front is the front matter, in the order of the page.
type front struct {
	BaseModel   []string `yaml:"base_model,omitempty"`
	Relation    string   `yaml:"base_model_relation,omitempty"`
	QuantizedBy string   `yaml:"quantized_by,omitempty"`
	License     string   `yaml:"license,omitempty"`
	LicenseName string   `yaml:"license_name,omitempty"`
	LicenseLink string   `yaml:"license_link,omitempty"`
	Languages   []string `yaml:"language,omitempty"`
	Datasets    []string `yaml:"datasets,omitempty"`
	Pipeline    string   `yaml:"pipeline_tag,omitempty"`
	Library     string   `yaml:"library_name"`
	Tags        []string `yaml:"tags"`
}

const page = "https://huggingface.co/"

// pipelines are the Hub's names of what models do, as far as GGUF files do it.
var pipelines = []string{
	"text-generation", "image-text-to-text", "audio-text-to-text", "any-to-any", "feature-extraction", "sentence-similarity", "text-ranking", "translation", "summarization",
	"text2text-generation", "automatic-speech-recognition", "text-to-speech", "text-classification", "fill-mask",
}

// frameworks are tags that tell how the source lies, which the files do not.
var frameworks = []string{"safetensors", "pytorch", "transformers", "gguf", "tf", "jax", "onnx", "mlx", "endpoints_compatible", "text-generation-inference"}

// fill takes over what a file says of itself.
func (c *Card) fill(kvs gguf.KVs) {
	text := func(key string) string {
		s, _ := kvs.String("general." + key)
		return s
	}
	f := &c.front
	f.Library, f.Relation = "gguf", "quantized"
	if base := cmp.Or(c.BaseModel, repository(text("source.repo_url")), repository(text("source.url"))); base != "" {
		f.BaseModel = []string{base}
	}
	if f.BaseModel == nil {
		f.Relation = ""
	}
	owner, _, _ := strings.Cut(c.Repo, "/")
	f.QuantizedBy = cmp.Or(c.QuantizedBy, text("quantized_by"), owner)
	f.License, f.LicenseName, f.LicenseLink = text("license"), text("license.name"), text("license.link")
	if c.License != "" {
		f.License, f.LicenseName, f.LicenseLink = c.License, "", ""
	}
	f.Languages, _ = kvs.Strings("general.languages")
	n, _ := kvs.Uint("general.dataset.count")
	for i := range min(n, 64) {
		if id := repository(strings.Replace(text(fmt.Sprintf("dataset.%d.repo_url", i)), "/datasets/", "/", 1)); id != "" {
			f.Datasets = append(f.Datasets, id)
		}
	}
	tags, _ := kvs.Strings("general.tags")
	f.Tags = []string{"gguf"}
	for _, tag := range tags {
		switch {
		case slices.Contains(pipelines, tag):
			f.Pipeline = tag
		case !slices.Contains(frameworks, tag) && !slices.Contains(f.Tags, tag):
			f.Tags = append(f.Tags, tag)
		}
	}
	if slices.ContainsFunc(c.Files, func(f File) bool { return f.Matrix }) && !slices.Contains(f.Tags, "imatrix") {
		f.Tags = append(f.Tags, "imatrix")
	}
	if f.Pipeline == "" {
		f.Pipeline = c.pipeline(kvs)
	}
	c.Title = cmp.Or(text("name"), strings.Join(f.BaseModel, ""), c.Files[0].Name)
}

// pipeline is what the model does where nobody says it.
func (c *Card) pipeline(kvs gguf.KVs) string {
	arch, _ := kvs.String("general.architecture")
	switch {
	case slices.ContainsFunc(c.Files, func(f File) bool { return f.Kind == kindProjector }):
		return "image-text-to-text"
	default:
		if _, pools := kvs.Get(arch + ".pooling_type"); pools {
			return "feature-extraction"
		}
	}
	return "text-generation"
}

// repository returns OWNER/NAME of the address of a page of the Hub, else
// nothing.
func repository(url string) string {
	id, ok := strings.CutPrefix(url, page)
	if owner, name, two := strings.Cut(id, "/"); !ok || !two || owner == "" || name == "" || strings.ContainsAny(name, "/?#") {
		return ""
	}
	return id
}

// matter is the front matter as it stands in the page.
func (f *front) matter() (string, error) {
	text, err := yaml.Marshal(f)
	return "---\n" + string(text) + "---\n", err
}
