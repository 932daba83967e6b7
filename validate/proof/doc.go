// Package proof compares a model file with what it was made from, by running
// both: part by part, each under its own conventions, and on a built-in
// prompt. It holds the one table of limits that decides what rounding to a
// type explains and what it does not.
package proof
