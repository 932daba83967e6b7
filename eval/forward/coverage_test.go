package forward

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

// addTensor adds a vector of ones to the only file of a checkpoint.
func addTensor(t *testing.T, dir, name string, n int) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := binary.LittleEndian.Uint64(data)
	header, body := map[string]any{}, data[8+size:]
	if err := json.Unmarshal(data[8:8+size], &header); err != nil {
		t.Fatal(err)
	}
	header[name] = map[string]any{"dtype": "F32", "shape": []int{n}, "data_offsets": []int{len(body), len(body) + 4*n}}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, strings.Repeat(" ", (8-len(text)%8)%8)...)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	out = append(append(out, text...), body...)
	for range n {
		out = binary.LittleEndian.AppendUint32(out, 0x3f800000)
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A model that is computed without one of its tensors is another model.
func TestEveryTensorOfAFolderIsUsedOrAnError(t *testing.T) {
	for _, c := range []struct {
		name string
		used bool // or left out on purpose
	}{
		{"model.layers.0.self_attn.o_proj.bias", false},
		{"model.layers.1.mlp.down_proj.bias", false},
		{"model.layers.0.self_attn.q_norm.weight", false},
		{"model.layers.7.input_layernorm.weight", false},
		{"model.layers.0.self_attn.rotary_emb.inv_freq", true},
		{"v_head.weight", true},
	} {
		dir := unpack(t, filepath.Join(references, "qwen2-tied.zip"))
		addTensor(t, dir, c.name, 48)
		m, err := Open(t.Context(), dir, Options{})
		if err == nil {
			m.Close()
		}
		switch {
		case c.used && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case !c.used && !(errors.Is(err, fault.ErrUnsupported) && strings.Contains(err.Error(), c.name)):
			t.Errorf("%s: the error does not name it: %v", c.name, err)
		}
	}
}
