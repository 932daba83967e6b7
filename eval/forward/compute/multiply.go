package compute

import "context"

// Multiply implements [Device].
func (c *CPU) Multiply(ctx context.Context, b Batch, products ...Product) error {
	if b.Rows == 0 || len(products) == 0 {
		return nil
	}
	if b.Rounded {
		return c.multiplyRounded(ctx, b, products)
	}
	d := c.take()
	defer c.free.Give(d)
	return c.products(ctx, d, b, products)
}
