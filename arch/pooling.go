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

// ReadModules completes the hyperparameters of a checkpoint of the architecture
// by what the modules of sentence-transformers say: how it pools, and what is
// behind that. Architectures whose files have no key for it do not pool.
func (a Arch) ReadModules(files *hf.Folder, h *Hyper) error {
	if !a.writes(poolingType.Key) {
		return nil
	}
	modules, err := files.Modules()
	for _, m := range modules {
		pools, dense := strings.HasSuffix(m.Type, "Pooling") && h.Meaning.Pooling == NoPooling, m.Dense() && a.writes(behindPooling[0].out())
		if !pools && !dense {
			continue
		}
		config, err := files.ModuleConfig(m)
		if err != nil {
			return err
		}
		at := fault.Op("arch").Folder(files.Name()).File(m.Path + "/config.json")
		if dense {
			err = h.project(m.Path, config, at)
		} else if h.Meaning.Pooling = poolingOf(config); h.Meaning.Pooling == NoPooling {
			err = at.Unsupported("none of mean, cls and last-token pooling")
		}
		if err != nil {
			return err
		}
	}
	return err
}

func poolingOf(config hf.Config) Pooling {
	for _, p := range poolings {
		if config.Values()[p.flag] == true || config.Values()["pooling_mode"] == p.mode {
			return p.pooling
		}
	}
	return NoPooling
}
