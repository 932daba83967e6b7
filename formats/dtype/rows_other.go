//go:build (!amd64 && !arm64) || noasm

package dtype

var fast rows
