package tiny

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/safetensors"
)

//go:embed tokenizer.json
var tokenizer []byte // byte-level BPE with the Qwen2 pattern, 300 tokens

//go:embed characters.json
var characters []byte // BPE over characters with bytes for the rest, 300 tokens

// TokenizerJSON returns the tokenizer.json of all tiny checkpoints.
func TokenizerJSON() []byte { return slices.Clone(tokenizer) }

// Tensors lists the source tensors that the templates of an architecture
// imply for a model, all optional ones but the output matrix of tied models
// included. Layouts that exclude each other are told apart by the first that
// the table lists.
func Tensors(a arch.Arch, h arch.Hyper, d dtype.DType) []safetensors.Tensor {
	var all []safetensors.Tensor
	listed, made := map[string]bool{}, map[string]bool{}
	for _, t := range a.Tensors {
		if t.Target == "" || t.Source == "lm_head.weight" && h.Tied {
			continue
		}
		d := d
		if slices.ContainsFunc(t.Ops, func(op arch.Op) bool { return op.Kind == arch.Integers }) {
			d = dtype.I64
		}
		skip := false
		for _, at := range t.Places(h) {
			target := at.Fill(t.Target)
			if at.Expert == 0 {
				skip = t.Optional && made[target]
			}
			if skip {
				continue
			}
			made[target] = true
			for _, piece := range t.Pieces() {
				name := at.Fill(piece.Source)
				if listed[name] {
					continue
				}
				listed[name] = true
				shape := make([]int64, len(piece.Shape))
				for i, dim := range piece.Shape {
					shape[i] = int64(dim(h, at.Layer))
				}
				all = append(all, safetensors.Tensor{Name: name, DType: d, Shape: shape})
			}
		}
	}
	return all
}

// Write fills a folder with a random checkpoint of a class: config.json,
// tokenizer and weights in F32. The same seed gives the same bytes.
func Write(dir, class string, seed uint64) error {
	text, ok := configs[class]
	if !ok {
		return fmt.Errorf("tiny: no configuration of class %s", class)
	}
	return WriteConfig(dir, text, seed)
}

// Config returns the configuration of a class.
func Config(class string) string { return configs[class] }

// WriteConfig is Write for a configuration of the caller's.
func WriteConfig(dir, text string, seed uint64) error {
	config, err := ParseConfig([]byte(text))
	if err != nil {
		return err
	}
	h, err := arch.FromConfig(config)
	if err != nil {
		return err
	}
	a, _ := arch.ByClass(h.Class)
	random := rand.New(rand.NewPCG(seed, 1))
	var weights []safetensors.Named
	for _, t := range Tensors(a, h, dtype.F32) {
		weights = append(weights, safetensors.Named{Name: t.Name, DType: t.DType, Shape: t.Shape, Data: data(random, t, h)})
	}
	weightsFile, configFile := "model.safetensors", "config.json"
	if a.Native {
		weightsFile, configFile = "consolidated.safetensors", "params.json"
	}
	vocabulary, eos := tokenizer, "<|im_end|>"
	if a.Vocabulary.Writer == arch.Gemma4 {
		vocabulary, eos = characters, "<eos>"
	}
	file, err := os.Create(filepath.Join(dir, weightsFile))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := safetensors.Write(file, weights, nil); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		configFile:              []byte(text),
		"tokenizer.json":        vocabulary,
		"tokenizer_config.json": fmt.Appendf(nil, `{"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": %q}`, eos),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return file.Close()
}

// data draws weights: around 1 for norms and scales, small around 0 for the rest. Whole
// numbers are experts.
func data(random *rand.Rand, t safetensors.Tensor, h arch.Hyper) []byte {
	n := int64(1)
	for _, l := range t.Shape {
		n *= l
	}
	if t.DType == dtype.I64 {
		p := make([]byte, 8*n)
		for i := range n {
			binary.LittleEndian.PutUint64(p[8*i:], uint64(random.IntN(h.MoE.Experts)))
		}
		return p
	}
	p := make([]byte, 4*n)
	for i := range n {
		x := random.NormFloat64() / 8
		if strings.Contains(t.Name, "norm") || strings.Contains(t.Name, "scal") {
			x++
		}
		if _, err := binary.Encode(p[4*i:], binary.LittleEndian, float32(x)); err != nil {
			panic(err) // p is long enough
		}
	}
	return p
}

// ParseConfig reads a config.json.
func ParseConfig(text []byte) (hf.Config, error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var values map[string]any
	err := decoder.Decode(&values)
	return hf.NewConfig(values, "config.json"), err
}
