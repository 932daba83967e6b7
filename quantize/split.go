package quantize

import (
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// Split spreads a plan of one file over several. The order of the tensors
// stays; where one part is enough nothing changes.
func (p *Plan) Split(o gguf.SplitOptions) error {
	var counts []int
	for _, part := range gguf.Divide(p.infos(), o) {
		counts = append(counts, len(part))
	}
	return p.spread(counts)
}

// SplitEvenly spreads a plan of one file over n files of about the same size.
// The order of the tensors stays and every file has one at least; which ones
// depends on the plan alone.
func (p *Plan) SplitEvenly(n int) error {
	if n < 1 || n > len(p.Tensors) {
		return fault.Op("quantize").Invalid("%d tensors cannot be divided into %d parts", len(p.Tensors), n)
	}
	total := p.Summary.DataBytes
	counts := make([]int, n)
	part, before := 0, int64(0)
	for i, c := range p.Tensors {
		size := c.Info.Size()
		// A tensor goes where its middle lies, but no part is left empty:
		// neither those before it, nor those that the rest must fill.
		middle := float64(before) + float64(size)/2
		want := min(int(middle/float64(max(total, 1))*float64(n)), n-1)
		if want > part && counts[part] > 0 || counts[part] > 0 && len(p.Tensors)-i == n-1-part {
			part++
		}
		counts[part]++
		before += size
	}
	return p.spread(counts)
}

// Part is the plan of one file of a set. It shares what does not differ.
func (p *Plan) Part(i int) *Plan {
	part := &Plan{Recipe: p.Recipe, Files: p.Files[i : i+1], Coverage: p.Coverage}
	sources := map[int]gguf.TensorInfo{}
	for _, c := range p.Tensors {
		if c.File == i {
			c.File = 0
			part.Tensors = append(part.Tensors, c)
			info := c.Info
			info.Type = c.From
			sources[c.Source] = info
		}
	}
	part.summarize(func(i int) gguf.TensorInfo { return sources[i] })
	return part
}

func (p *Plan) infos() []gguf.TensorInfo {
	infos := make([]gguf.TensorInfo, len(p.Tensors))
	for i, c := range p.Tensors {
		infos[i] = c.Info
	}
	return infos
}

// spread lays the plan out anew as files with these numbers of tensors.
func (p *Plan) spread(counts []int) error {
	if len(counts) < 2 {
		return nil
	}
	next := 0
	for file, count := range counts {
		for range count {
			p.Tensors[next].File = file
			next++
		}
	}
	kvs := p.Files[0].KVs.Clone()
	p.Files = nil
	if err := p.place(kvs, true); err != nil {
		return err
	}
	p.Summary.FileBytes = 0
	for _, f := range p.Files {
		p.Summary.FileBytes += f.TotalSize()
	}
	return nil
}
