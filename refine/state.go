package refine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// slotBytes is the room for a state; files have holes where it is not used.
const slotBytes = 64 << 20

// A state is what a run that was stopped has left in front of its residual
// streams.
type state struct {
	Key      string    `json:"key"`  // of what is refined, and with what
	Step     int       `json:"step"` // how many steps are done
	Outcomes []Outcome `json:"outcomes"`
}

// left returns the latest state with a key that a file has; nil: none.
func left(file Scratch, key string) *state {
	if file == nil || key == "" {
		return nil
	}
	var latest *state
	for slot := range 2 {
		var head [8 + sha256.Size]byte
		at := int64(slot * slotBytes)
		if _, err := file.ReadAt(head[:], at); err != nil {
			continue
		}
		n := binary.LittleEndian.Uint64(head[:])
		if n == 0 || n > slotBytes-uint64(len(head)) {
			continue
		}
		text := make([]byte, n)
		if _, err := file.ReadAt(text, at+int64(len(head))); err != nil || sha256.Sum256(text) != [sha256.Size]byte(head[8:]) {
			continue
		}
		s := new(state)
		if json.Unmarshal(text, s) == nil && s.Key == key && (latest == nil || s.Step > latest.Step) {
			latest = s
		}
	}
	return latest
}

// save notes that some steps are done, after what they have written is settled.
func (w *walk) save(step int) error {
	if w.Key == "" || !w.passable {
		return nil
	}
	if w.Settle != nil {
		if err := w.Settle(); err != nil {
			return err
		}
	}
	text, err := json.Marshal(state{w.Key, step, w.outcomes})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	data := slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), sum[:], text)
	if len(data) > slotBytes {
		return fault.Op("refine").Unsupported("%d bytes of outcomes are more than there is room for", len(data))
	}
	_, err = w.Scratch.WriteAt(data, int64(step%2*slotBytes))
	return err
}

// tokens are those of all groups.
func (w *walk) tokens() int {
	last := w.groups[len(w.groups)-1]
	return last.first + last.tokens
}

// Left returns the tensors that a run with the job's scratch file and key had
// refined when it was stopped. All others are to be as they were in front of
// it; [Run] goes on from there.
func Left(job Job) map[string]bool {
	s := left(job.Scratch, job.Key)
	if s == nil {
		return nil
	}
	names := map[string]bool{}
	for _, o := range s.Outcomes {
		names[o.Tensor] = true
	}
	return names
}
