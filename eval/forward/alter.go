package forward

// Alteration changes some decoded weights of a matrix in place: elements that
// lie side by side in a stored line, cut at the same places in every run and
// at columns of a multiple of 32 but for transposed lines. The name is that of the tensor in a file.
type Alteration func(name string, values []float32)

// Alter sets a function that every decoded weight of a matrix passes through,
// nil for none: what would the model say with other weights? It must not
// change while the model runs and may be called from several goroutines.
func (m *Model) Alter(f Alteration) { m.alter = f }

// anonymous hides a matrix from observers, which learn of its input in
// another way, and keeps the name for alterations.
func (m *matrix) anonymous() {
	if m.tensor == "" {
		m.tensor = m.Name
	}
	m.Weight = Weight{}
}

// altered applies the alteration to decoded values.
func (s *scratch) altered(m *matrix, values []float32) {
	if s.alter == nil {
		return
	}
	name := m.tensor
	if name == "" {
		name = m.Name
	}
	s.alter(name, values)
}
