package atomicfile_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/formats/atomicfile"
)

// The name appears when the file is whole.
func ExampleCreate() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.gguf")
	f, err := atomicfile.Create(path, atomicfile.Options{})
	if err != nil {
		panic(err)
	}
	defer f.Abort()
	fmt.Fprint(f, "all of it")
	_, before := os.Stat(path)
	err = f.Commit()
	_, after := os.Stat(path)
	fmt.Println(os.IsNotExist(before), err, after)
	// Output: true <nil> <nil>
}
