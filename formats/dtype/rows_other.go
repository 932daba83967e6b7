//go:build !amd64 || noasm

package dtype

var fast rows
