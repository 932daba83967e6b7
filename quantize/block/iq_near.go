package block

// find is nearestOf with a kernel.
func (s *gridSearch) find(g int, place int32, list []uint16, scale float32) uint16 {
	for l := range s.levels {
		s.near.Values[l] = scale * float32(2*l+1)
	}
	ternary := s.dims == 8
	if !s.near.Search(ternary, s.x[g*s.dims:], s.root[g*s.dims:], s.book.planes(place), list) {
		return s.nearestOf(g, list, scale)
	}
	return s.near.Nearest(ternary, list)
}

// chooseAll sets the codes of the tries first…last of group g, which share a
// list of neighbours. Where rounding errors may decide, as slack says, it
// looks closer.
func (s *gridSearch) chooseAll(g int, place int32, first, last int, slack float32) {
	list := s.book.neighbours(place)
	compared := slack > 1e-30 && slack < 1e30 &&
		s.compared.Find(s.dims == 8, list[:cap(list)], len(list), s.scale[first:], last-first+1, slack)
	for t := first; t <= last; t++ {
		if compared && s.compared.Sure[t-first] != 0 {
			s.tried[g][t] = list[s.compared.Lowest[t-first]]
		} else {
			s.tried[g][t] = s.nearestOf(g, list, s.scale[t])
		}
	}
}
