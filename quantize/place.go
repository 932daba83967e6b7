package quantize

import (
	"cmp"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

const (
	keyFileType   = "general.file_type"
	keyQuantVer   = "general.quantization_version"
	keySplitNo    = "split.no"
	keySplitCount = "split.count"
	keySplitTotal = "split.tensors.count"
	quantVersion  = uint32(2)    // of the layout of block types, unchanged since 2023
	guessedFile   = uint32(1024) // marks a file type that is not from the file
)

// outputKVs returns the key-values of the quantized file. ggml's setters move
// a key to the end, and so do these.
func outputKVs(kvs gguf.KVs, tensors []gguf.TensorInfo, o Options, layers int) gguf.KVs {
	out := kvs.Clone()
	out.SetLast(keyQuantVer, quantVersion)
	out.SetLast(keyFileType, fileType(kvs, tensors, o))
	for _, key := range []string{keySplitNo, keySplitCount, keySplitTotal} {
		out.Delete(key)
	}
	for _, kv := range o.KVs {
		out.SetLast(kv.Key, kv.Value)
	}
	if o.Importance != nil {
		for _, kv := range o.Importance.keyValues() {
			out.SetLast(kv.Key, kv.Value)
		}
	}
	if len(o.PruneLayers) > 0 {
		arch, _ := kvs.String("general.architecture")
		out.SetLast(arch+".block_count", uint32(layers))
	}
	return out
}

// fileType is the number of the recipe, of the file that is imitated, or of
// the source where everything is copied.
func fileType(kvs gguf.KVs, tensors []gguf.TensorInfo, o Options) uint32 {
	if o.Like != nil && o.Like.fileType != nil {
		return *o.Like.fileType
	}
	if !o.Recipe.copies {
		return o.Recipe.FileType
	}
	if n, ok := overriddenInt(o.KVs, keyFileType); ok {
		return uint32(n)
	}
	if n, ok := kvs.Uint(keyFileType); ok {
		return uint32(n)
	}
	return guess(tensors) | guessedFile
}

// guess names the file type after the most frequent tensor type.
func guess(tensors []gguf.TensorInfo) uint32 {
	choices, _ := outline(tensors, Options{})
	count := map[gguf.Type]int{}
	most := gguf.TypeF32
	for _, c := range choices {
		count[c.From]++
		if count[c.From] > count[most] {
			most = c.From
		}
	}
	names := map[gguf.Type]string{gguf.TypeQ3_K: "Q3_K_M", gguf.TypeQ4_K: "Q4_K_M", gguf.TypeQ5_K: "Q5_K_M"}
	r, err := ParseRecipe(cmp.Or(names[most], most.String()))
	if err != nil {
		return 0
	}
	return r.FileType
}

// place lays out the output: one file, or as many as the source has.
func (p *Plan) place(kvs gguf.KVs, keepSplit bool) error {
	count := 1
	if keepSplit && len(p.Tensors) > 0 {
		count = p.Tensors[len(p.Tensors)-1].File + 1
	}
	if count > 1<<16-1 {
		return fault.Op("quantize").Invalid("%d files are more than a split set can have", count)
	}
	infos := make([][]gguf.TensorInfo, count)
	for i := range p.Tensors {
		c := &p.Tensors[i]
		c.index = len(infos[c.File])
		infos[c.File] = append(infos[c.File], c.Info)
	}
	for file := range count {
		own := gguf.KVs(nil) // only the first file describes the model
		if file == 0 {
			own = kvs
		}
		if count > 1 {
			own.SetLast(keySplitNo, uint16(file))
			own.SetLast(keySplitCount, uint16(count))
			own.SetLast(keySplitTotal, int32(len(p.Tensors)))
		}
		f, err := gguf.NewPlan(own, infos[file])
		if err != nil {
			return err
		}
		p.Files = append(p.Files, f)
	}
	for i := range p.Tensors {
		c := &p.Tensors[i]
		c.Info = p.Files[c.File].Tensors[c.index]
	}
	return nil
}
