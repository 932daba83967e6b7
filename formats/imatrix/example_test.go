package imatrix_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/f190792d/mq/formats/imatrix"
)

func ExampleMatrix_WriteGGUF() {
	m := &imatrix.Matrix{
		Datasets: []string{"wiki.txt"}, Chunks: 1, ChunkSize: 512,
		Entries: map[string]*imatrix.Entry{
			"output.weight": {Sums: []float32{512, 1024}, Counts: []float32{512}},
		},
	}
	var file bytes.Buffer
	if err := m.WriteGGUF(&file); err != nil {
		fmt.Println(err)
		return
	}
	m, err := imatrix.New(context.Background(), bytes.NewReader(file.Bytes()), int64(file.Len()), "model.imatrix.gguf")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range m.Names() {
		fmt.Println(name, m.Entries[name].Weights(0))
	}
	// Output: output.weight [1 2]
}
