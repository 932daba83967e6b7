package budget

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// Profile records what each type would do to each tensor of a model.
type Profile struct {
	// Fingerprint identifies what was measured: see Fingerprint.
	Fingerprint string `json:"fingerprint"`

	// Sensitivity says where the factors come from: "model" or "weights".
	Sensitivity string   `json:"sensitivity"`
	Tensors     []Tensor `json:"tensors"`
}

// Tensor is the profile of one tensor.
type Tensor struct {
	Name string `json:"name"`

	// Sensitivity is the divergence, in nats, for each unit of relative error.
	Sensitivity float64 `json:"sensitivity"`

	// Rounding is the relative error of Round.
	Rounding float64 `json:"rounding"`

	// Errors are relative squared errors, Σ w·(x-x̂)² / Σ w·x², by type.
	Errors map[string]float64 `json:"errors"`
}

// Cost is the divergence that a type is expected to bring.
func (t Tensor) Cost(to gguf.Type) (float64, bool) {
	e, ok := t.Errors[to.String()]
	return t.Sensitivity * e, ok
}

// version is part of every fingerprint. It changes when measurements do.
const version = 1

// Fingerprint digests what a profile depends on: the tensors that are open
// under o, by name, shape and one row of each, their importance weights, the
// types to choose from, and what else the caller measures with.
func Fingerprint(ctx context.Context, sources []gguf.Stream, o quantize.Options, types []gguf.Type, more ...any) (string, error) {
	free, err := quantize.Free(infos(sources), o)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, version, types, more)
	for _, c := range free {
		fmt.Fprintf(h, "%q %v %s\n", c.Info.Name, c.Info.Shape, c.From)
		middle := c.Info.Rows() / 2
		row := make([]byte, rowBytes(c))
		if err := sources[c.Source].ReadRows(ctx, row, middle); err != nil {
			return "", err
		}
		h.Write(row)
		var word [4]byte
		for _, w := range c.Weights(middle) {
			binary.LittleEndian.PutUint32(word[:], math.Float32bits(w))
			h.Write(word[:])
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func infos(sources []gguf.Stream) []gguf.TensorInfo {
	list := make([]gguf.TensorInfo, len(sources))
	for i, s := range sources {
		list[i] = s.TensorInfo
	}
	return list
}

// rowBytes is the size of a row in the source.
func rowBytes(c quantize.Choice) int64 {
	return c.Info.Columns() / int64(c.From.BlockLen()) * int64(c.From.BlockBytes())
}

// ParseProfile reads a profile that was saved as JSON.
func ParseProfile(name string, data []byte) (*Profile, error) {
	p := &Profile{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fault.Op("budget").File(name).Corrupt("not a file of sensitivities: %w", err)
	}
	for _, t := range p.Tensors {
		for typ, e := range t.Errors {
			if _, ok := gguf.ParseType(typ); !ok || !(e >= 0) || math.IsInf(t.Sensitivity*e, 0) {
				return nil, fault.Op("budget").File(name).Tensor(t.Name).Corrupt("type %q with error %v", typ, e)
			}
		}
		if !(t.Sensitivity >= 0) {
			return nil, fault.Op("budget").File(name).Tensor(t.Name).Corrupt("sensitivity %v", t.Sensitivity)
		}
	}
	return p, nil
}
