package compute

import "sync"

// Spare keeps memory between calls, for as long as what holds it lives. It
// may be used from several goroutines; the zero value is empty.
type Spare[T any] struct {
	mutex sync.Mutex
	kept  []*T
}

// Take returns kept memory, or else new.
func (s *Spare[T]) Take() *T {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	last := len(s.kept) - 1
	if last < 0 {
		return new(T)
	}
	t := s.kept[last]
	s.kept = s.kept[:last]
	return t
}

// Give keeps memory for the next call.
func (s *Spare[T]) Give(t *T) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.kept = append(s.kept, t)
}
