package shared

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Root returns the folder of the large test material: $MQ_TESTDATA, or the
// folder named shared next to the repository. The second result tells
// whether it exists.
func Root() (string, bool) {
	root := os.Getenv("MQ_TESTDATA")
	if root == "" {
		_, file, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(file), "..", "..", "..", "shared")
	}
	info, err := os.Stat(root)
	return root, err == nil && info.IsDir()
}

// Path returns the path of one file or folder of the large test material,
// and skips the test where it is not there.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	root, ok := Root()
	if !ok {
		t.Skip("large test material is not beside the repository; set MQ_TESTDATA to its folder")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("large test material lacks %s", filepath.Join(elem...))
	}
	return path
}
