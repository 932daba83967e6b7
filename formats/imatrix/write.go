package imatrix

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// WriteGGUF writes the GGUF format. A legacy matrix is written with sums and
// counts for chunks of DefaultChunkSize rows.
func (m *Matrix) WriteGGUF(w io.Writer) error {
	if m.Legacy {
		raw, err := Merge(0, m)
		if err != nil {
			return err
		}
		m = raw
	}
	var kvs gguf.KVs
	kvs.Set(typeKey, typeName)
	kvs.Set(datasetsKey, m.Datasets)
	kvs.Set(chunksKey, uint32(m.Chunks))
	kvs.Set(chunkSizeKey, uint32(m.ChunkSize))
	var tensors []gguf.TensorInfo
	add := func(name string, shape ...int64) {
		tensors = append(tensors, gguf.TensorInfo{Name: name, Type: gguf.TypeF32, Shape: gguf.TrimShape(shape)})
	}
	for _, name := range m.Names() {
		e := m.Entries[name]
		if err := e.check("output", name); err != nil {
			return err
		}
		add(name+sumsSuffix, int64(e.Columns()), int64(e.Matrices()))
		add(name+countsSuffix, 1, int64(e.Matrices()))
	}
	plan, err := gguf.NewPlan(kvs, tensors)
	if err != nil {
		return err
	}
	out, err := gguf.NewWriter(w, plan)
	if err != nil {
		return err
	}
	for _, name := range m.Names() {
		e := m.Entries[name]
		if err := out.WriteTensor(name+sumsSuffix, bytes.NewReader(floatBytes(nil, e.Sums))); err != nil {
			return err
		}
		if err := out.WriteTensor(name+countsSuffix, bytes.NewReader(floatBytes(nil, e.Counts))); err != nil {
			return err
		}
	}
	return out.Close()
}

// WriteLegacy writes the .dat format, which keeps one dataset, the last, and
// leaves out tensors without any counted row.
func (m *Matrix) WriteLegacy(w io.Writer) error {
	le := binary.LittleEndian
	names := slices.DeleteFunc(m.Names(), func(name string) bool {
		e := m.Entries[name]
		return e.Missing() == e.Matrices()
	})
	if len(names) == 0 {
		return fault.Op("imatrix").Invalid("no tensor has data to write")
	}
	b := le.AppendUint32(nil, uint32(len(names)))
	for _, name := range names {
		e := m.Entries[name]
		if err := e.check("output", name); err != nil {
			return err
		}
		calls, values := e.legacy(m)
		b = le.AppendUint32(b, uint32(len(name)))
		b = append(b, name...)
		b = le.AppendUint32(b, uint32(calls))
		b = le.AppendUint32(b, uint32(len(values)))
		b = floatBytes(b, values)
		if _, err := w.Write(b); err != nil {
			return fault.Op("imatrix").IO("cannot write: %w", err)
		}
		b = b[:0]
	}
	dataset := ""
	if n := len(m.Datasets); n > 0 {
		dataset = m.Datasets[n-1]
	}
	b = le.AppendUint32(b, uint32(m.Chunks))
	b = le.AppendUint32(b, uint32(len(dataset)))
	if _, err := w.Write(append(b, dataset...)); err != nil {
		return fault.Op("imatrix").IO("cannot write: %w", err)
	}
	return nil
}

// legacy returns the calls and values of the .dat format: means times calls,
// where calls are the chunks that the busiest expert saw.
func (e *Entry) legacy(m *Matrix) (calls int, values []float32) {
	if m.Legacy {
		return int(e.Counts[0]), e.Sums
	}
	size := chunkSize(m.ChunkSize)
	calls = (int(slices.Max(e.Counts)) + size - 1) / size
	values = e.AllWeights()
	for i := range values {
		values[i] *= float32(calls)
	}
	return calls, values
}

func chunkSize(n int) int {
	if n <= 0 {
		return DefaultChunkSize
	}
	return n
}

func floatBytes(b []byte, floats []float32) []byte {
	b, _ = binary.Append(b, binary.LittleEndian, floats) // cannot fail for floats
	return b
}
