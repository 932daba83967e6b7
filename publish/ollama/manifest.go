package ollama

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/publish/blob"
)

// Manifest lists what a model consists of.
type Manifest struct {
	SchemaVersion int     `json:"schemaVersion"`
	MediaType     string  `json:"mediaType"`
	Config        Layer   `json:"config"`
	Layers        []Layer `json:"layers"`
}

// Layer is one blob of a manifest.
type Layer = blob.Layer

const (
	manifestType = "application/vnd.docker.distribution.manifest.v2+json"
	configType   = "application/vnd.docker.container.image.v1+json"
	layerType    = "application/vnd.ollama.image." // and the kind of the layer
)

// The kinds of layers.
const (
	kindModel     = "model"
	kindProjector = "projector"
	kindAdapter   = "adapter"
	kindTemplate  = "template"
	kindSystem    = "system"
	kindParams    = "params"
	kindLicense   = "license"
)

// Config describes a model in the blob that its manifest calls the config.
type Config struct {
	Format       string   `json:"model_format"`
	Family       string   `json:"model_family"` // general.architecture
	Families     []string `json:"model_families"`
	Parameters   string   `json:"model_type"` // 8.0B
	FileType     string   `json:"file_type"`  // Q4_K_M
	Renderer     string   `json:"renderer,omitempty"`
	Parser       string   `json:"parser,omitempty"`
	Architecture string   `json:"architecture"`
	OS           string   `json:"os"`
	RootFS       rootFS   `json:"rootfs"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

// encode writes JSON as Ollama does, with a line end.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	err := e.Encode(v)
	return b.Bytes(), err
}

// blobs are the config and the layers of a model: its files, and what is said
// of them.
func (m *Model) blobs(ctx context.Context, report progress.Func) (config blob.Blob, all []blob.Blob, err error) {
	for _, f := range m.Files {
		b, err := hashed(ctx, f, report)
		if err != nil {
			return config, nil, err
		}
		all = append(all, b)
	}
	add := func(kind, text string) {
		if text != "" {
			all = append(all, blob.Bytes(layerType+kind, []byte(text)))
		}
	}
	add(kindTemplate, m.Template)
	add(kindSystem, m.System)
	for _, text := range m.Licenses {
		add(kindLicense, text)
	}
	if len(m.Params) > 0 {
		data, err := encode(m.Params)
		if err != nil {
			return config, nil, err
		}
		all = append(all, blob.Bytes(layerType+kindParams, data))
	}
	c := m.Config
	c.RootFS = rootFS{Type: "layers"}
	for _, l := range all {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.Digest)
	}
	data, err := encode(c)
	return blob.Bytes(configType, data), all, err
}

// manifestOf is the manifest of a config and layers.
func manifestOf(config blob.Blob, all []blob.Blob) ([]byte, error) {
	m := Manifest{SchemaVersion: 2, MediaType: manifestType, Config: config.Layer}
	for _, l := range all {
		m.Layers = append(m.Layers, l.Layer)
	}
	return encode(m)
}
