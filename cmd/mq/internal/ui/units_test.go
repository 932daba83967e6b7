package ui

import "testing"

func TestSizesHaveOneRule(t *testing.T) {
	for text, want := range map[string]int64{
		"512M": 512e6, "4G": 4e9, "4.5G": 45e8, "1k": 1000, "2KB": 2000, "1Ki": 1024, "1.5GiB": 3 << 29, "2 MiB": 2 << 20, "1T": 1e12, "70000": 70000,
		"700000b": 700000, "0": 0, "0M": 0,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "M", "4", "512", "-1G", "1X", "1iM", "1e400G", "NaN", "inf", "9999999T", "1MM"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestCountsAreShort(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1 K", 260123: "260 K", 4_210_000: "4.21 M", 7_241_732_096: "7.24 B", 671e9: "671 B", 1_026e9: "1.03 T"} {
		if got := Count(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
