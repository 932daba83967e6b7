package arch

// Patches turn the model of a checkpoint into what a file of it expresses.

// attentions calls f with every attention of a model.
func (m *Model) attentions(f func(*Attention)) {
	for i := range m.Layers {
		attentionsOf(m.Layers[i].Mixer, f)
	}
}

func attentionsOf(mixer Mixer, f func(*Attention)) {
	switch a := mixer.(type) {
	case *Attention:
		f(a)
	case *LatentAttention:
		f(&a.Attention)
	case *CompressedAttention:
		f(&a.Attention)
	case Mixers:
		for _, part := range a {
			attentionsOf(part, f)
		}
	}
}

// stateSpaces calls f with every state space of a model.
func (m *Model) stateSpaces(f func(*StateSpace)) {
	for i := range m.Layers {
		mixers, ok := m.Layers[i].Mixer.(Mixers)
		if !ok {
			mixers = Mixers{m.Layers[i].Mixer}
		}
		for _, mixer := range mixers {
			if s, ok := mixer.(*StateSpace); ok {
				f(s)
			}
		}
	}
}

// rotations calls f with every rotation of a model.
func (m *Model) rotations(f func(*Rotation)) {
	m.attentions(func(a *Attention) {
		if a.Rope != nil {
			f(a.Rope)
		}
	})
}

// routers calls f with every router of a model.
func (m *Model) routers(f func(*Router)) {
	for i := range m.Layers {
		expertsOf(m.Layers[i].Feed, func(e *Experts) { f(&e.Router) })
	}
}

func expertsOf(feed Feed, f func(*Experts)) {
	switch part := feed.(type) {
	case *Experts:
		f(part)
	case *NormedFeed:
		expertsOf(part.Feed, f)
	case Feeds:
		for _, one := range part {
			expertsOf(one, f)
		}
	}
}

// activations calls f with the activation of every feed-forward part.
func (m *Model) activations(f func(*Activation)) {
	if p := m.Input.PerLayer; p != nil {
		f(&p.Activation)
	}
	for i := range m.Layers {
		activationsOf(m.Layers[i].Feed, f)
		if p := m.Layers[i].PerLayer; p != nil {
			f(&p.Activation)
		}
	}
}

func activationsOf(feed Feed, f func(*Activation)) {
	switch p := feed.(type) {
	case *Dense:
		f(&p.Activation)
	case *Experts:
		f(&p.Activation)
		if p.Shared != nil {
			f(&p.Shared.Activation)
		}
	case *NormedFeed:
		activationsOf(p.Feed, f)
	case Feeds:
		for _, part := range p {
			activationsOf(part, f)
		}
	}
}

// unscaled leaves the scaling of positions out.
func unscaled(m *Model) {
	m.rotations(func(r *Rotation) {
		*r = Rotation{Dim: r.Dim, Base: r.Base, Sections: r.Sections, Magnitude: 1, Factors: r.Factors, Divisors: r.Divisors}
	})
}
