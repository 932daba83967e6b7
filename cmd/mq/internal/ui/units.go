package ui

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes writes a size for people, in powers of 1024.
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	return fmt.Sprintf("%.2f %ciB", value, units[unit])
}

// Count writes a large number for people: "7.24 B", "138 M".
func Count(n int64) string {
	value, unit := float64(n), ""
	for _, u := range []string{" K", " M", " B", " T"} {
		if value < 999.5 {
			break
		}
		value, unit = value/1000, u
	}
	return strconv.FormatFloat(value, 'g', max(3, len(strconv.Itoa(int(value)))), 64) + unit
}

// Shape writes a tensor's shape.
func Shape(shape []int64) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(parts, " × ")
}

// sizeUnits are the suffixes of a size: powers of 1000, and of 1024 where an i
// is in them.
var sizeUnits = map[string]int64{
	"B": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KI": 1 << 10, "MI": 1 << 20, "GI": 1 << 30, "TI": 1 << 40, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
}

// smallSize is the number of bytes below which a unit was probably forgotten.
const smallSize = 1 << 16

// ParseBytes reads "512M", "4.5GB", "1.5GiB" or a number of bytes: K, M, G and
// T are powers of 1000, Ki, Mi, Gi and Ti powers of 1024.
func ParseBytes(s string) (int64, error) {
	text := strings.ToUpper(strings.TrimSpace(s))
	digits := strings.TrimRight(text, "BIKMGT ")
	unit := strings.TrimSpace(text[len(digits):])
	factor, ok := sizeUnits[unit]
	if unit == "" {
		factor, ok = 1, true
	}
	value, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	switch {
	case err != nil || !ok || !(value >= 0) || value*float64(factor) > 1<<62:
		return 0, fmt.Errorf("%q is not a size like 512M or 1.5GiB", s)
	case unit == "" && value > 0 && value < smallSize:
		return 0, fmt.Errorf("%s bytes? give the unit, e.g. %sM", s, s)
	}
	return int64(value * float64(factor)), nil
}
