package oci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/transfer"
	"github.com/f190792d/mq/publish/blob"
)

// DefaultTag is that of names without one.
const DefaultTag = "latest"

// Name is REGISTRY/NAME:TAG.
type Name struct{ ref registry.Reference }

// ParseName reads REGISTRY/NAME[:TAG].
func ParseName(s string) (Name, error) {
	ref, err := registry.ParseReference(s)
	if err != nil || ref.Repository == "" {
		return Name{}, fault.Op("oci").Invalid("%q does not name a model in a registry: write REGISTRY/NAME:TAG", s)
	}
	if ref.Reference == "" {
		ref.Reference = DefaultTag
	}
	if ref.ValidateReferenceAsTag() != nil {
		return Name{}, fault.Op("oci").Invalid("%q names a digest; a model is pushed under a tag", s)
	}
	return Name{ref}, nil
}

func (n Name) String() string { return n.ref.String() }

// Pusher says how registries are spoken with.
type Pusher struct {
	PlainHTTP bool // without encryption
	Agent     string
	// Waiting, if not nil, is told when a registry is tried again later.
	Waiting func(pause time.Duration, reason string)

	attempts int
	backoff  time.Duration
	http     *http.Client
}

// Push sends what the registry does not have of an artifact, the manifest last.
// The login is that of Docker's own store of credentials.
func (p Pusher) Push(ctx context.Context, n Name, a *Artifact, report progress.Func) error {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return fault.Op("oci").Corrupt("Docker's store of credentials cannot be read: %w", err)
	}
	client := &auth.Client{Client: cmp.Or(p.http, retry.DefaultClient), Cache: auth.NewCache(), Credential: credentials.Credential(store), Header: http.Header{"User-Agent": {p.Agent}}}
	repo := &remote.Repository{Client: client, Reference: n.ref, PlainHTTP: p.PlainHTTP}
	for _, b := range a.Blobs {
		if err := p.again(ctx, n, func() error { return send(ctx, repo, b, report) }); err != nil {
			return err
		}
	}
	return p.again(ctx, n, func() error {
		c, err := a.Manifest.Open()
		if err != nil {
			return err
		}
		defer c.Close()
		return repo.PushReference(ctx, descriptor(a.Manifest.Layer), c, n.ref.Reference)
	})
}

// send sends a blob unless it is there.
func send(ctx context.Context, repo *remote.Repository, b blob.Blob, report progress.Func) error {
	if there, err := repo.Blobs().Exists(ctx, descriptor(b.Layer)); err != nil || there {
		return err
	}
	c, err := b.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	sent := transfer.NewSending(progress.Report{Step: "uploading", Note: b.Annotations[pathKey], Total: b.Size, Bytes: true}, report)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body := transfer.Attempts(func() io.Reader { return c }, b.Size, sent)().(*transfer.Body)
	const stalled = 30 * time.Second
	defer body.Watch(stalled, func() { cancel(errStalled) })()
	if err := repo.Blobs().Push(ctx, descriptor(b.Layer), body); err != nil {
		body.Forget()
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	return nil
}

var errStalled = errors.New("it takes nothing any more")

func descriptor(l blob.Layer) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: l.MediaType, Digest: digest.Digest(l.Digest), Size: l.Size}
}

// again tries until a registry refuses for good.
func (p Pusher) again(ctx context.Context, n Name, try func() error) error {
	attempts, pause := p.attempts, p.backoff
	if attempts == 0 {
		attempts, pause = 5, time.Second
	}
	for attempt := 0; ; attempt++ {
		err := try()
		var refused *errcode.ErrorResponse
		var f *fault.Error
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &f):
			return err
		case errors.As(err, &refused) && !transfer.Retriable(refused.StatusCode), errors.Is(err, auth.ErrBasicCredentialNotFound), attempt+1 >= attempts:
			return explained(err, refused, n)
		}
		d := transfer.Pause(nil, attempt, pause)
		if p.Waiting != nil && d > 2*time.Second {
			p.Waiting(d, "an error")
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(d):
		}
	}
}

// explained turns an error of a registry into one of mq's. Addresses in Go's
// own errors can be signed.
func explained(err error, refused *errcode.ErrorResponse, n Name) error {
	at := fault.Op("oci").Folder(n.String())
	if errors.Is(err, auth.ErrBasicCredentialNotFound) {
		refused = &errcode.ErrorResponse{StatusCode: http.StatusUnauthorized}
	}
	if refused == nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return at.IO("no answer from the registry: %w", err)
	}
	text := ""
	if len(refused.Errors) > 0 {
		text = fmt.Sprintf(": %s", refused.Errors[0].Message)
	}
	switch refused.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return at.Invalid("the registry %s does not let you push there: log in with 'docker login %s'%s", n.ref.Registry, n.ref.Registry, text)
	case http.StatusNotFound:
		return at.Invalid("the registry has no such place%s", text)
	}
	return at.IO("the registry answers %d %s%s", refused.StatusCode, http.StatusText(refused.StatusCode), text)
}
