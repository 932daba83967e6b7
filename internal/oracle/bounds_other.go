//go:build !unix

package oracle

import "testing"

// Bounded runs a parser; its time and memory are measured under Unix.
func Bounded(_ testing.TB, _ int, parse func()) { parse() }

// Watched runs a parser; its time and memory are measured under Unix.
func Watched(_ testing.TB, _ int, parse func()) { parse() }
