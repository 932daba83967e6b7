package convert

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// The ways of pooling, numbered as in the file.
const (
	poolMean = uint32(1)
	poolCLS  = uint32(2)
	poolLast = uint32(3)
)

// poolings lists what a pooling module of sentence-transformers may say, by
// flag or by name.
var poolings = []struct {
	flag, mode string
	id         uint32
}{
	{"pooling_mode_mean_tokens", "mean", poolMean},
	{"pooling_mode_cls_token", "cls", poolCLS},
	{"pooling_mode_lasttoken", "lasttoken", poolLast},
}

// pooling returns how an embedding model pools, which modules.json of
// sentence-transformers says. Other models have no such key.
func pooling(ckpt *hf.Checkpoint, prefix string) (gguf.KVs, error) {
	text, err := ckpt.ReadFile("modules.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var modules []struct{ Type, Path string }
	if err := hf.UnmarshalJSON(text, &modules); err != nil {
		return nil, fault.Op("convert").Folder(ckpt.Name()).File("modules.json").Corrupt("%w", err)
	}
	for _, m := range modules {
		if !strings.HasSuffix(m.Type, "Pooling") {
			continue
		}
		file := path.Join(m.Path, "config.json")
		text, err := ckpt.ReadFile(file)
		if err != nil {
			return nil, fault.Op("convert").Folder(ckpt.Name()).File("modules.json").Corrupt(" names %s: %w", file, err)
		}
		var config map[string]any
		if err := hf.UnmarshalJSON(text, &config); err != nil {
			return nil, fault.Op("convert").Folder(ckpt.Name()).File(file).Corrupt("%w", err)
		}
		for _, p := range poolings {
			if config[p.flag] == true || config["pooling_mode"] == p.mode {
				return gguf.KVs{{Key: prefix + ".pooling_type", Value: p.id}}, nil
			}
		}
		return nil, fault.Op("convert").Folder(ckpt.Name()).File(file).Unsupported("none of mean, cls and last-token pooling")
	}
	return nil, nil
}
