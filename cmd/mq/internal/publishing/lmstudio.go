package publishing

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/publish/blob"
)

var inLMStudio = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// LMStudioFolder is where LM Studio looks for the files of PUBLISHER/MODEL:
// two levels below its models, and nowhere else.
func LMStudioFolder(name string) (string, error) {
	if !inLMStudio.MatchString(name) {
		return "", fault.Invalid("--lm-studio %s: write PUBLISHER/MODEL", name)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fault.Invalid("--lm-studio: there is no home: %w", err)
	}
	pointer, err := atomicfile.ReadFile(filepath.Join(home, ".lmstudio-home-pointer"), 64<<10)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	base := strings.TrimSpace(string(pointer))
	if base == "" {
		base = filepath.Join(home, ".lmstudio")
	}
	models, err := lmStudioModels(base)
	return filepath.Join(models, filepath.FromSlash(name)), err
}

// lmStudioModels is the folder of models that the user chose, or the one that
// LM Studio begins with.
func lmStudioModels(base string) (string, error) {
	path := filepath.Join(base, "settings.json")
	data, err := atomicfile.ReadFile(path, 4<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var settings struct {
		DownloadsFolder string `json:"downloadsFolder"`
	}
	if err == nil {
		if err := json.Unmarshal(data, &settings); err != nil {
			return "", fault.File(path).Invalid("it does not say where the models are: %w", err)
		}
	}
	return cmp.Or(settings.DownloadsFolder, filepath.Join(base, "models")), nil
}

// LMStudio puts files into a folder of LM Studio, linked where that is possible.
func LMStudio(ctx context.Context, s *session.Session, dir string, paths []string) error {
	defer s.Steps().Finish()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, path := range paths {
		b, err := blob.File(ctx, "", path, s.Steps().Show)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.Base(path))
		if err := b.Put(ctx, to, s.Steps().Show); err != nil {
			return err
		}
		where{destination: "lm-studio", name: to, digest: b.Digest}.event(s)
	}
	return nil
}
