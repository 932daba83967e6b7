package hf

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// Remote finds checkpoints that are no folders of the operating system, such
// as the repositories of a hub.
type Remote interface {
	// Names reports whether a path that does not exist names a checkpoint.
	Names(path string) bool
	// Open finds the files of the checkpoint that a path names.
	Open(ctx context.Context, path string) (RemoteFiles, error)
}

// RemoteFiles are the files of a remote checkpoint: a file system, or a folder
// of the operating system that holds a copy of them.
type RemoteFiles struct {
	FS   fs.FS  // nil where Dir is given
	Dir  string // else empty
	Name string // of the model
}

// IsFolder reports whether a path leads to a checkpoint folder rather than to
// a file. A path that does not exist is an error unless the remote side knows
// it.
func (o Options) IsFolder(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && o.Remote != nil && o.Remote.Names(path) {
		return true, nil
	}
	return err == nil && info.IsDir(), err
}

// Folder opens a folder of the operating system, or the files of a remote
// checkpoint.
func (o Options) Folder(ctx context.Context, path string) (*Folder, error) {
	if _, err := os.Stat(path); o.Remote == nil || !errors.Is(err, fs.ErrNotExist) || !o.Remote.Names(path) {
		return o.OpenFolder(path)
	}
	files, err := o.Remote.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	if files.Dir == "" {
		return &Folder{fsys: files.FS, name: files.Name, reading: o.As, reads: &reads{}}, nil
	}
	folder, err := o.OpenFolder(files.Dir)
	if err == nil {
		folder.name = files.Name
	}
	return folder, err
}
