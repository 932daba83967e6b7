package hf

import (
	"errors"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/pyjson"
)

// maxConfig is the longest JSON file that is held as a tree. The longest
// published config.json has some hundred kilobytes of module names.
const maxConfig = 2 << 20

// ParseConfig decodes one JSON object and keeps its numbers as written. As
// Python's json module does, it takes NaN, Infinity and -Infinity for numbers
// and the last of the values of a key; a byte order mark is passed over.
func ParseConfig(data []byte, file string) (Config, error) {
	if len(data) > maxConfig {
		return Config{}, fault.Op("hf").File(file).Corrupt("longer than %d bytes", maxConfig)
	}
	values, err := pyjson.Object(data)
	switch {
	case errors.Is(err, fault.ErrCorrupt):
		return Config{}, fault.Op("hf").File(file).Corrupt("%w", err)
	case err != nil:
		return Config{}, fault.Op("hf").File(file).Corrupt("not a JSON object: %w", err)
	}
	return NewConfig(values, file), nil
}

// UnmarshalJSON decodes a file of a checkpoint into v as json.Unmarshal does,
// with the leniency of ParseConfig; a constant such as NaN is read as null.
func UnmarshalJSON(data []byte, v any) error { return pyjson.Unmarshal(data, v) }

// ReadJSON reads a small file that holds one JSON object, such as
// generation_config.json. The error is fs.ErrNotExist if it does not exist.
func (f *Folder) ReadJSON(name string) (Config, error) {
	data, err := f.readBounded(name, maxConfig)
	if err != nil {
		return Config{}, err
	}
	config, err := ParseConfig(data, name)
	if err != nil {
		return Config{}, fault.Op("hf").Folder(f.name).Of(err)
	}
	config.folder = f.name
	return config.As(f.reading), nil
}
