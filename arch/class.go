package arch

import (
	"slices"
	"strings"
	"unicode"

	"github.com/f190792d/mq/formats/hf"
)

// Class returns the class that decides the architecture: that of the text
// part where config.json names one. Where config.json names none, or only what
// a trainer wrapped around the model, its model_type decides. What the
// checkpoint is to be taken for goes before all.
func Class(config hf.Config) (string, error) {
	class, err := classNamed(config)
	if class == graniteHybridClass {
		class = graniteClass(config)
	}
	return class, err
}

func classNamed(config hf.Config) (string, error) {
	if class := config.Reading().Class; class != "" {
		return class, nil
	}
	if text, ok := config.Sub("text_config"); ok && text.Has("architectures") {
		config = text
	}
	if native := nativeClass(config); native != "" {
		return native, nil
	}
	var classes []string
	if config.Has("architectures") {
		var err error
		if classes, err = config.Strings("architectures"); err != nil {
			return "", err
		}
	}
	if kind, _ := config.String("text_config.model_type"); kind == "mistral4" {
		return mistral4Class, nil
	}
	if len(classes) > 0 && !wraps(classes[0]) {
		class := classes[0]
		if sharded, ok := strings.CutPrefix(class, "FSDP"); ok && isClass(sharded) {
			class = sharded
		}
		return class, nil
	}
	class, err := classOfType(config)
	if err != nil || class != "" {
		return class, err
	}
	if len(classes) > 0 {
		return classes[0], nil
	}
	return "", config.At("arch", "architectures").Corrupt(" names no class, and key \"model_type\" no known model")
}

// trainers begin the names of classes that hold a model of another class.
var trainers = []string{"AutoModel", "PeftModel", "OptimizedModule", "DistributedDataParallel", "FullyShardedDataParallel", "DeepSpeedEngine"}

func wraps(class string) bool {
	return slices.ContainsFunc(trainers, func(t string) bool { return strings.HasPrefix(class, t) })
}

func isClass(name string) bool {
	_, ok := ByClass(name)
	return ok
}

// classOfType returns the class of a language model that model_type stands
// for: the two differ in case, underscores and the class's ending.
func classOfType(config hf.Config) (string, error) {
	endings := []string{"forcausallm", "forconditionalgeneration", "lmheadmodel"}
	text, nested := config.Text()
	if nested {
		endings[0], endings[1] = endings[1], endings[0]
	}
	for _, c := range []hf.Config{config, text} {
		kind, err := c.StringOr("model_type", "")
		if err != nil {
			return "", err
		}
		kind = plainName(kind)
		for _, name := range []string{kind, strings.TrimSuffix(kind, "text")} {
			for _, ending := range endings {
				for _, a := range table {
					for _, class := range a.Classes {
						if name != "" && plainName(class) == name+ending {
							return class, nil
						}
					}
				}
			}
		}
	}
	return "", nil
}

func plainName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// ModelType returns the model_type that transformers has for a class: its name
// in lower case, with underscores between words.
func ModelType(class string) string {
	name := class
	for _, ending := range []string{"ForCausalLM", "ForConditionalGeneration", "LMHeadModel", "Model"} {
		name = strings.TrimSuffix(name, ending)
	}
	if kind, ok := modelTypes[name]; ok {
		return kind
	}
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) && !unicode.IsUpper(rune(name[i-1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// modelTypes are those that do not follow from the class's name.
var modelTypes = map[string]string{
	"LLaMA": "llama", "GPTNeoX": "gpt_neox", "GPTBigCode": "gpt_bigcode", "StableLm": "stablelm", "StableLMEpoch": "stablelm", "SmolLM3": "smollm3", "InternLM2": "internlm2",
	"InternLM3": "internlm3", "MiniCPM": "minicpm", "OLMo": "olmo", "RW": "falcon", "QWen": "qwen", "MPT": "mpt", "PhiMoE": "phimoe",
}
