package quantize

import "github.com/f190792d/mq/formats/gguf"

// Split spreads a plan of one file over several. The order of the tensors
// stays; where one part is enough nothing changes.
func (p *Plan) Split(o gguf.SplitOptions) error {
	infos := make([]gguf.TensorInfo, len(p.Tensors))
	for i, c := range p.Tensors {
		infos[i] = c.Info
	}
	parts := gguf.Divide(infos, o)
	if len(parts) < 2 {
		return nil
	}
	next := 0
	for file, part := range parts {
		for range part {
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
