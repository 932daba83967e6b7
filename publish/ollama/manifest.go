package ollama

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Manifest lists what a model consists of.
type Manifest struct {
	SchemaVersion int     `json:"schemaVersion"`
	MediaType     string  `json:"mediaType"`
	Config        Layer   `json:"config"`
	Layers        []Layer `json:"layers"`
}

// Layer is one blob of a manifest.
type Layer struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"` // sha256: and 64 digits
	Size      int64  `json:"size"`
}

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

// blob is the content of a layer: a file or a few bytes.
type blob struct {
	Layer
	path string // of the file; or
	data []byte
}

// small makes a layer of bytes.
func small(mediaType string, data []byte) blob {
	sum := sha256.Sum256(data)
	return blob{Layer{mediaType, "sha256:" + hex.EncodeToString(sum[:]), int64(len(data))}, "", data}
}

// encode writes JSON as Ollama does, with a line end.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	err := e.Encode(v)
	return b.Bytes(), err
}

// small layers and the config of a model, beside its files, whose layers are
// given.
func (m *Model) blobs(files []blob) (config blob, all []blob, err error) {
	all = files
	add := func(kind, text string) {
		if text != "" {
			all = append(all, small(layerType+kind, []byte(text)))
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
			return blob{}, nil, err
		}
		all = append(all, small(layerType+kindParams, data))
	}
	c := m.Config
	c.RootFS = rootFS{Type: "layers"}
	for _, l := range all {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.Digest)
	}
	data, err := encode(c)
	return small(configType, data), all, err
}

// manifest is the one of a config and layers, and its bytes.
func manifestOf(config blob, all []blob) ([]byte, error) {
	m := Manifest{SchemaVersion: 2, MediaType: manifestType, Config: config.Layer}
	for _, l := range all {
		m.Layers = append(m.Layers, l.Layer)
	}
	return encode(m)
}
