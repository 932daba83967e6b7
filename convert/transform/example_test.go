package transform_test

import (
	"context"
	"fmt"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
)

func Example() {
	// Two heads of four bytes each, as if every element were a row.
	source := transform.Rows{DType: dtype.U8, Columns: 1, Count: 8, Read: func(_ context.Context, p []byte, off int64) error {
		copy(p, "acbdACBD"[off:])
		return nil
	}}
	permuted := transform.RopePermute(source, 2)
	p := make([]byte, 8)
	if err := permuted.Read(context.Background(), p, 0); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(p))
	// Output: abcdABCD
}
