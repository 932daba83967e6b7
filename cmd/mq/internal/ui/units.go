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

// ParseBytes reads "512M", "4G", "1.5GiB" or a plain number of bytes. The
// suffixes are powers of base: 1024 for memory, 1000 for the sizes of split
// files, as the ecosystem's tools read them.
func ParseBytes(s string, base float64) (int64, error) {
	text := strings.ToUpper(strings.TrimSpace(s))
	text = strings.TrimSuffix(strings.TrimSuffix(text, "B"), "I")
	factor := 1.0
	if n := len(text); n > 0 {
		if power := strings.IndexByte("KMGT", text[n-1]); power >= 0 {
			for range power + 1 {
				factor *= base
			}
			text = text[:n-1]
		}
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || value < 0 || value*factor > 1<<62 {
		return 0, fmt.Errorf("%q is not a size like 512M or 4G", s)
	}
	return int64(value * factor), nil
}
