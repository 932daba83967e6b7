package convert

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/safetensors"
)

// These tests hold what the table of architectures can say to fictitious
// architectures that say it.

// fixed is a length that does not depend on the model.
func fixed(n int) arch.Dim { return func(arch.Hyper, int) int { return n } }

// perLayer is a length of 1 in layer 0, 2 in layer 1 and so on.
func perLayer(_ arch.Hyper, layer int) int { return layer + 1 }

// checkpointOf writes tensors whose elements count from 0 on.
func checkpointOf(t *testing.T, config string, shapes map[string][]int64) *hf.Checkpoint {
	t.Helper()
	var weights []safetensors.Named
	for name, shape := range shapes {
		n := int64(1)
		for _, length := range shape {
			n *= length
		}
		var data []byte
		for i := range n {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i)))
		}
		weights = append(weights, safetensors.Named{Name: name, DType: dtype.F32, Shape: shape, Data: data})
	}
	slices.SortFunc(weights, func(a, b safetensors.Named) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	var file bytes.Buffer
	if err := safetensors.Write(&file, weights, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"model.safetensors": file.Bytes(), "config.json": []byte(config)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	return ckpt
}

// values drains a target.
func values(t *testing.T, tg target) []float32 {
	t.Helper()
	var b bytes.Buffer
	drain(t, tg.stream(gguf.TypeF32, nil), &b)
	all := make([]float32, b.Len()/4)
	for i := range all {
		all[i] = math.Float32frombits(binary.LittleEndian.Uint32(b.Bytes()[4*i:]))
	}
	return all
}

func TestTableSaysWhatBecomesOfTensors(t *testing.T) {
	ops := func(list ...arch.Op) []arch.Op { return list }
	rows := func(from, n int) arch.Op { return arch.Op{Kind: arch.Slice, From: fixed(from), Count: fixed(n)} }
	for name, test := range map[string]struct {
		tensors []arch.Tensor
		shapes  map[string][]int64
		target  string
		shape   []int64 // fastest dimension first
		want    []float32
	}{
		"lengths differ by layer": {
			[]arch.Tensor{{Source: "l.{i}.w", Target: "blk.{i}.w", Shape: []arch.Dim{perLayer, fixed(2)}}},
			map[string][]int64{"l.0.w": {1, 2}, "l.1.w": {2, 2}},
			"blk.1.w", []int64{2, 2}, []float32{0, 1, 2, 3},
		},
		"a list of operations runs in order": {
			[]arch.Tensor{{Source: "w", Target: "t", Shape: []arch.Dim{fixed(2), fixed(3)},
				Ops: ops(arch.Op{Kind: arch.Transpose}, rows(1, 2), arch.Op{Kind: arch.AddOne})}},
			map[string][]int64{"w": {2, 3}},
			"t", []int64{2, 2}, []float32{2, 5, 3, 6},
		},
		"a slice of a vector": {
			[]arch.Tensor{{Source: "b", Target: "t", Shape: []arch.Dim{fixed(5)}, Ops: ops(rows(1, 3))}},
			map[string][]int64{"b": {5}},
			"t", []int64{3}, []float32{1, 2, 3},
		},
		"several sources follow each other": {
			[]arch.Tensor{{Source: "l.{i}.q", Target: "blk.{i}.qk", Shape: []arch.Dim{fixed(1), fixed(2)},
				More: []arch.Piece{{Source: "l.{i}.k", Shape: []arch.Dim{fixed(2), fixed(2)}}}}},
			map[string][]int64{"l.0.k": {2, 2}, "l.0.q": {1, 2}, "l.1.k": {2, 2}, "l.1.q": {1, 2}},
			"blk.1.qk", []int64{2, 3}, []float32{0, 1, 0, 1, 2, 3},
		},
		"a further number": {
			[]arch.Tensor{{Source: "l.{i}.conv.{j}.w", Target: "blk.{i}.conv.{j}.w", Times: perLayer, Shape: []arch.Dim{fixed(2)}}},
			map[string][]int64{"l.0.conv.0.w": {2}, "l.1.conv.0.w": {2}, "l.1.conv.1.w": {2}},
			"blk.1.conv.1.w", []int64{2}, []float32{0, 1},
		},
		"a number that is always the same": {
			[]arch.Tensor{{Source: "l.{i}.mlp.0.w", Target: "blk.{i}.up", Shape: []arch.Dim{fixed(2)}},
				{Source: "l.{i}.mlp.2.w", Target: "blk.{i}.down", Shape: []arch.Dim{fixed(3)}}},
			map[string][]int64{"l.0.mlp.0.w": {2}, "l.0.mlp.2.w": {3}, "l.1.mlp.0.w": {2}, "l.1.mlp.2.w": {3}},
			"blk.1.down", []int64{3}, []float32{0, 1, 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, h := arch.Arch{Name: "made-up", Tensors: test.tensors}, arch.Hyper{Layers: 2}
			ckpt := checkpointOf(t, "{}", test.shapes)
			unpacked, err := unpack.Open(t.Context(), ckpt)
			if err != nil {
				t.Fatal(err)
			}
			targets, found := match(a, h, sources(unpacked, a, h))
			if err := found.err(ckpt, a); err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(targets, func(tg target) bool { return tg.name == test.target })
			if at < 0 {
				t.Fatalf("no target %s", test.target)
			}
			if got := values(t, targets[at]); !slices.Equal(got, test.want) || !slices.Equal(targets[at].shape, test.shape) {
				t.Errorf("shape %v and values %v, want %v and %v", targets[at].shape, got, test.shape, test.want)
			}
		})
	}
}

func TestACompanionIsAFileOfItsOwn(t *testing.T) {
	projector := arch.Arch{
		Name:    "clip",
		Params:  []arch.Param{{Key: "vision.block_count", From: func(h arch.Hyper) (any, bool) { return uint32(h.Layers), true }}},
		Tensors: []arch.Tensor{{Source: "vision.layers.{i}.w", Target: "v.blk.{i}.w", Shape: []arch.Dim{fixed(2)}}},
		Ignore:  []string{"text.*"},
	}
	a := arch.Arch{Name: "made-up", Companions: []arch.Companion{{Type: "mmproj", Arch: projector, Hyper: func(c hf.Config) (arch.Hyper, error) {
		n, err := c.Int("vision_config.num_hidden_layers")
		return arch.Hyper{Layers: int(n)}, err
	}}}}
	ckpt := checkpointOf(t, `{"vision_config": {"num_hidden_layers": 2}}`,
		map[string][]int64{"vision.layers.0.w": {2}, "vision.layers.1.w": {2}, "text.w": {3}})
	p, err := newCompanion(t.Context(), ckpt, a, Options{Type: F32, Companion: "mmproj"})
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := p.KVs.String("general.type")
	blocks, _ := p.KVs.Uint("clip.vision.block_count")
	if kind != "mmproj" || blocks != 2 || len(p.Streams) != 2 || p.Streams[1].Name != "v.blk.1.w" {
		t.Errorf("a file of type %q with %d blocks and streams %v", kind, blocks, p.Streams)
	}
	if _, err := newCompanion(t.Context(), ckpt, a, Options{Companion: "adapter"}); err == nil {
		t.Error("a companion that is not in the table is planned")
	}
}
