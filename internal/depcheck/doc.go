// Package depcheck holds the test that guards which package may import which.
package depcheck
