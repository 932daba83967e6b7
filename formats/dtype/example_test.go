package dtype_test

import (
	"fmt"

	"github.com/f190792d/mq/formats/dtype"
)

func ExampleToFloat32() {
	d, _ := dtype.Parse("BF16")
	size, _ := d.Bytes(2)
	row := make([]float32, 2)
	if err := dtype.ToFloat32(row, []byte{0x80, 0x3f, 0x20, 0xc0}, d); err != nil {
		fmt.Println(err)
	}
	fmt.Println(d, d.Bits(), size, row)
	// Output: BF16 16 4 [1 -2.5]
}
