package arch

import (
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// poolingType is how embedding models pool, which files beside config.json say.
var poolingType = Param{Key: "pooling_type", From: func(h Hyper) (any, bool) {
	return uint32(h.Meaning.Pooling), h.Meaning.Pooling != NoPooling
}}

// poolings lists what a pooling module of sentence-transformers may say, by
// flag or by name.
var poolings = []struct {
	flag, mode string
	pooling    Pooling
}{
	{"pooling_mode_mean_tokens", "mean", MeanPooling},
	{"pooling_mode_cls_token", "cls", CLSPooling},
	{"pooling_mode_lasttoken", "lasttoken", LastPooling},
}

// PoolingOf returns how a checkpoint of the architecture pools, as the modules
// of sentence-transformers say. Architectures whose files have no key for it do
// not pool.
func (a Arch) PoolingOf(files *hf.Folder) (Pooling, error) {
	if !a.writes(poolingType.Key) {
		return NoPooling, nil
	}
	modules, err := files.Modules()
	if err != nil {
		return NoPooling, err
	}
	for _, m := range modules {
		if !strings.HasSuffix(m.Type, "Pooling") {
			continue
		}
		config, err := files.ModuleConfig(m)
		if err != nil {
			return NoPooling, err
		}
		for _, p := range poolings {
			if config.Values()[p.flag] == true || config.Values()["pooling_mode"] == p.mode {
				return p.pooling, nil
			}
		}
		return NoPooling, fault.Op("arch").Folder(files.Name()).File(m.Path + "/config.json").Unsupported("none of mean, cls and last-token pooling")
	}
	return NoPooling, nil
}
