package memory

import "golang.org/x/sys/unix"

// installed returns the machine's memory in bytes.
func installed() int64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(n)
}
