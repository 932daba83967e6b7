package atomicfile

import "github.com/f190792d/mq/formats/fault"

// Allocated returns the bytes on disk that the temporary file of a stopped run
// holds already for an output.
func Allocated(path string) int64 { return allocated(TempPath(path)) }

// CheckSpace returns an error if files of these sizes in bytes do not fit
// on their disks.
func CheckSpace(paths []string, sizes []int64) error {
	type disk struct {
		need, free int64
		first      string
	}
	disks := map[uint64]*disk{}
	for i, path := range paths {
		free, system, err := Space(path)
		if err != nil {
			return err
		}
		d := disks[system]
		if d == nil {
			d = &disk{first: path}
			disks[system] = d
		}
		d.need, d.free = d.need+sizes[i], free
	}
	for _, d := range disks {
		if d.need > d.free {
			return fault.IO("%s: no space: %d bytes are to be written and %d are free on its disk", d.first, d.need, d.free)
		}
	}
	return nil
}
