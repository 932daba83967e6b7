package hf

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/safetensors"
)

const stories = "../../testdata/stories-llama"

// weightFile is a safetensors file of U8 tensors, whose bytes are their names.
func weightFile(t testing.TB, names ...string) *fstest.MapFile {
	t.Helper()
	var tensors []safetensors.Named
	for _, name := range names {
		tensors = append(tensors, safetensors.Named{Name: name, DType: dtype.U8, Shape: []int64{int64(len(name))}, Data: []byte(name)})
	}
	var buf bytes.Buffer
	if err := safetensors.Write(&buf, tensors, nil); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: buf.Bytes()}
}

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func indexOf(t testing.TB, weightMap map[string]string) *fstest.MapFile {
	t.Helper()
	data, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 1}, "weight_map": weightMap})
	if err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: data}
}

// names opens a folder and lists "file:tensor" in order.
func names(t *testing.T, files fstest.MapFS) (string, Layout) {
	t.Helper()
	c, err := OpenFS(t.Context(), files, "m")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var list []string
	for _, tensor := range c.Tensors() {
		list = append(list, tensor.File+":"+tensor.Name)
	}
	return strings.Join(list, " "), c.Layout()
}

func TestFindsWeightsInEveryLayout(t *testing.T) {
	config := text("{}")
	bin, err := os.ReadFile("../pickle/testdata/module.bin")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		files  fstest.MapFS
		want   string
		layout Layout
	}{
		"single file": {fstest.MapFS{"config.json": config, "model.safetensors": weightFile(t, "b", "a")}, "model.safetensors:a model.safetensors:b", Transformers},
		"shards with index": {fstest.MapFS{"config.json": config,
			"model.safetensors.index.json": indexOf(t, map[string]string{"c": "x-1.safetensors", "a": "x-2.safetensors", "b": "x-1.safetensors"}),
			"x-1.safetensors":              weightFile(t, "c", "b"), "x-2.safetensors": weightFile(t, "a"), "other.safetensors": weightFile(t, "z")},
			"x-1.safetensors:b x-1.safetensors:c x-2.safetensors:a", Transformers},
		"shards without index": {fstest.MapFS{"config.json": config, "model-00002-of-00002.safetensors": weightFile(t, "a"),
			"model-00001-of-00002.safetensors": weightFile(t, "b"), "consolidated.safetensors": weightFile(t, "z")},
			"model-00001-of-00002.safetensors:b model-00002-of-00002.safetensors:a", Transformers},
		"other names": {fstest.MapFS{"config.json": config, "weights.safetensors": weightFile(t, "a"), "adapter_model.safetensors": weightFile(t, "z")},
			"weights.safetensors:a", Transformers},
		"mistral": {fstest.MapFS{"params.json": config, "consolidated.safetensors": weightFile(t, "a"), "model.safetensors": weightFile(t, "z")},
			"consolidated.safetensors:a", MistralNative},
		"pickled": {fstest.MapFS{"config.json": config, "pytorch_model.bin": {Data: bin}}, "pytorch_model.bin:weight pytorch_model.bin:bias", PyTorch},
		"pickled with index": {fstest.MapFS{"config.json": config, "pytorch_model-00001-of-00001.bin": {Data: bin},
			"pytorch_model.bin.index.json": indexOf(t, map[string]string{"weight": "pytorch_model-00001-of-00001.bin", "bias": "pytorch_model-00001-of-00001.bin"})},
			"pytorch_model-00001-of-00001.bin:weight pytorch_model-00001-of-00001.bin:bias", PyTorch},
		"safetensors before pickled": {fstest.MapFS{"config.json": config, "pytorch_model.bin": {Data: bin}, "model.safetensors": weightFile(t, "a")},
			"model.safetensors:a", Transformers},
	} {
		t.Run(name, func(t *testing.T) {
			got, layout := names(t, c.files)
			if got != c.want || layout != c.layout {
				t.Errorf("%q (%s), want %q (%s)", got, layout, c.want, c.layout)
			}
		})
	}
}

func TestRejects(t *testing.T) {
	config := text(`{"a":1}`)
	shard := weightFile(t, "a", "b")
	with := func(weightMap map[string]string) fstest.MapFS {
		return fstest.MapFS{"config.json": config, "model.safetensors.index.json": indexOf(t, weightMap), "x.safetensors": shard, "y.safetensors": weightFile(t, "c")}
	}
	indexText := func(s string) fstest.MapFS {
		return fstest.MapFS{"config.json": config, "model.safetensors.index.json": text(s), "x.safetensors": shard}
	}
	for name, c := range map[string]struct {
		files fstest.MapFS
		says  []string
	}{
		"missing config":            {fstest.MapFS{"model.safetensors": shard}, []string{"config.json is missing"}},
		"broken config":             {fstest.MapFS{"model.safetensors": shard, "config.json": text("{")}, []string{"config.json", "JSON"}},
		"empty folder":              {fstest.MapFS{"config.json": config}, []string{"no weights"}},
		"missing shards":            {with(map[string]string{"a": "x.safetensors", "p": "p.safetensors", "q": "q.safetensors"}), []string{"2 files that are missing: p.safetensors, q.safetensors"}},
		"index escapes the folder":  {with(map[string]string{"a": "../x.safetensors"}), []string{"../x.safetensors", "may not leave its folder"}},
		"index with absolute path":  {with(map[string]string{"a": "/etc/passwd"}), []string{"/etc/passwd"}},
		"index with backslashes":    {with(map[string]string{"a": `..\x.safetensors`}), []string{"plain file name"}},
		"index with a drive":        {with(map[string]string{"a": `C:x.safetensors`}), []string{"plain file name"}},
		"index with a folder":       {with(map[string]string{"a": "sub/x.safetensors"}), []string{"plain file name"}},
		"index with the parent":     {with(map[string]string{"a": ".."}), []string{"plain file name"}},
		"index with an empty name":  {with(map[string]string{"a": ""}), []string{"plain file name"}},
		"tensors missing and extra": {with(map[string]string{"a": "x.safetensors", "p": "x.safetensors", "c": "y.safetensors"}), []string{"1 tensors are in the index but in no file: p (x.safetensors)", "1 tensors are in a file but not in the index: b (x.safetensors)"}},
		"tensor in another shard":   {with(map[string]string{"a": "y.safetensors", "b": "x.safetensors", "c": "y.safetensors"}), []string{"a (in x.safetensors, not in y.safetensors)"}},
		"tensor in two shards":      {fstest.MapFS{"config.json": config, "model-1.safetensors": shard, "model-2.safetensors": weightFile(t, "b")}, []string{`"b" is in two files: model-1.safetensors and model-2.safetensors`}},
		"part of a set missing":     {fstest.MapFS{"config.json": config, "model-00002-of-00003.safetensors": shard}, []string{"model-00001-of-00003.safetensors, model-00003-of-00003.safetensors"}},
		"truncated shard":           {fstest.MapFS{"config.json": config, "model.safetensors": {Data: shard.Data[:len(shard.Data)-1]}}, []string{"model.safetensors", "truncated"}},
		"index is not JSON":         {indexText(`{"weight_map":{"a"`), []string{"index.json", "not valid JSON"}},
		"index is a list":           {indexText(`[]`), []string{"not a JSON object"}},
		"index without weight_map":  {indexText(`{"metadata":{"weight_map":{"a":"x.safetensors"}}}`), []string{"weight_map is missing"}},
		"weight_map is a list":      {indexText(`{"weight_map":[]}`), []string{"weight_map is not an object"}},
		"weight_map twice":          {indexText(`{"weight_map":{"a":"x.safetensors"},"weight_map":{}}`), []string{"twice"}},
		"weight_map of numbers":     {indexText(`{"weight_map":{"a":1}}`), []string{"no file name"}},
		"weight_map of objects":     {indexText(`{"weight_map":{"a":{}}}`), []string{"no file name"}},
		"index with a name twice":   {indexText(`{"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}`), []string{`"a" occurs twice`}},
		"index with a tail":         {indexText(`{"weight_map":{"a":"x.safetensors","b":"x.safetensors"}}{}`), []string{"bytes after"}},
		"index with much space":     {indexText(`{"weight_map":{"a":"x.safetensors"` + strings.Repeat(" ", 1<<21) + `,"b":"x.safetensors"}}`), []string{"index.json"}},
		"index with a long value":   {indexText(`{"metadata":"` + strings.Repeat("x", 1<<21)), []string{"longer than"}},
		"index nested deeply":       {indexText(`{"metadata":` + strings.Repeat("[", 1<<20)), []string{"too deeply"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenFS(t.Context(), c.files, "m")
			if !errors.Is(err, fault.ErrCorrupt) {
				t.Fatalf("error %v is not of class corrupt", err)
			}
			for _, says := range c.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
		})
	}
}

func TestRefusesFoldersOfAnotherKind(t *testing.T) {
	for name, c := range map[string]struct {
		files fstest.MapFS
		says  string
	}{
		"adapter": {fstest.MapFS{"config.json": text("{}"), "adapter_config.json": text(`{"base_model_name_or_path":"meta-llama/Llama-3.1-8B"}`),
			"adapter_model.safetensors": weightFile(t, "a")}, `adapter (LoRA) folder, which changes another model, "meta-llama/Llama-3.1-8B"`},
		"gguf":       {fstest.MapFS{"model-Q4_K_M.gguf": text("GGUF")}, "GGUF files"},
		"meta":       {fstest.MapFS{"consolidated.00.pth": text("")}, "Meta's original"},
		"tensorflow": {fstest.MapFS{"config.json": text("{}"), "tf_model.h5": text("")}, "TensorFlow"},
		"other bin":  {fstest.MapFS{"config.json": text("{}"), "diffusion.bin": text("")}, "pickled under names"},
		"legacy bin": {fstest.MapFS{"config.json": text("{}"), "pytorch_model.bin": text("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")}, "PyTorch 1.6"},
	} {
		if _, err := OpenFS(t.Context(), c.files, "m"); !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestTensorsReadTheirOwnBytesOnly(t *testing.T) {
	c, err := OpenFS(t.Context(), fstest.MapFS{"config.json": text("{}"), "model.safetensors": weightFile(t, "first", "second")}, "m")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tensor, ok := c.Lookup("first")
	if !ok || tensor.Size != 5 || tensor.DType != dtype.U8 {
		t.Fatalf("%+v, %v", tensor, ok)
	}
	for _, r := range []struct {
		off  int64
		len  int
		want string
		err  error
	}{{0, 5, "first", nil}, {1, 3, "irs", nil}, {3, 5, "st", io.EOF}, {5, 1, "", io.EOF}, {9, 1, "", io.EOF}, {5, 0, "", nil}} {
		p := make([]byte, r.len)
		n, err := tensor.ReadAt(t.Context(), p, r.off)
		if string(p[:n]) != r.want || !errors.Is(err, r.err) {
			t.Errorf("ReadAt(%d bytes, %d) = %q, %v", r.len, r.off, p[:n], err)
		}
	}
	if _, err := tensor.ReadAt(t.Context(), make([]byte, 1), -1); err == nil {
		t.Error("read before the tensor")
	}
	all, err := io.ReadAll(io.NewSectionReader(readerAt{t, tensor}, 0, tensor.Size))
	if string(all) != "first" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
}

// faulty serves a file's header and then fails.
type faulty struct {
	fs.FS
	err error
	on  *bool
}

type faultyFile struct {
	fs.File
	faulty
}

func (f faulty) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	return faultyFile{file, f}, err
}

func (f faultyFile) ReadDir(n int) ([]fs.DirEntry, error) {
	return f.File.(fs.ReadDirFile).ReadDir(n)
}

func (f faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if *f.on {
		return 0, f.err
	}
	return f.File.(io.ReaderAt).ReadAt(p, off)
}

func TestOpensARealCheckpoint(t *testing.T) {
	c, err := Open(t.Context(), stories)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Name() != "stories-llama" || len(c.Tensors()) != 39 || len(c.Files()) != 2 {
		t.Errorf("%s: %d tensors in %d files", c.Name(), len(c.Tensors()), len(c.Files()))
	}
	if n, err := c.Config().Int("hidden_size"); n != 256 || err != nil {
		t.Errorf("hidden_size %d, %v", n, err)
	}
	generation, err := c.ReadJSON("generation_config.json")
	if err != nil || !generation.Has("eos_token_id") {
		t.Errorf("generation_config.json: %v", err)
	}
	card, err := c.ModelCard()
	if diff := cmp.Diff(map[string]any{"license": "mit", "language": []any{"en"}, "tags": []any{"text-generation"}}, card); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
	if q, ok := c.Quantization(); ok {
		t.Errorf("a BF16 checkpoint is taken for %s", q)
	}
	if err := c.Unchanged(); err != nil {
		t.Error(err)
	}
	if _, err := c.ReadFile("absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
}

func TestNoticesChangedShards(t *testing.T) {
	shard := weightFile(t, "a")
	for name, change := range map[string]func(path string) error{
		"touched":  func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
		"resized":  func(path string) error { return os.Truncate(path, 1) },
		"removed":  os.Remove,
		"replaced": func(path string) error { return replace(path, shard.Data) },
	} {
		dir := t.TempDir()
		path := dir + "/model.safetensors"
		writeFile(t, path, shard.Data)
		writeFile(t, dir+"/config.json", []byte("{}"))
		c, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Unchanged(); err != nil {
			t.Errorf("before: %v", err)
		}
		if err := change(path); err != nil {
			t.Fatal(err)
		}
		if err := c.Unchanged(); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "model.safetensors") {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
	}
}

// replace puts another file of the same size and time in place.
func replace(path string, data []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	if err := os.Chtimes(path+".new", time.Time{}, info.ModTime()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readerAt reads a tensor as an [io.ReaderAt].
type readerAt struct {
	t      *testing.T
	tensor Tensor
}

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	return r.tensor.ReadAt(r.t.Context(), p, off)
}
