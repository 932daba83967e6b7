// Package oracle holds parsers to their bounds in time and memory, in tests.
package oracle
