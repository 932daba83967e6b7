//go:build race

package oracle

// slowdown is what the race detector makes of a second: bounds hold for the
// program as it is built for users.
const slowdown = 10
