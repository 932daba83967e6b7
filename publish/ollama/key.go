package ollama

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
)

// key is the one that Ollama makes for its user, who registers the public half
// where models are pushed to.
type key struct{ signer ssh.Signer }

// DefaultKey is where Ollama keeps the user's key.
func DefaultKey() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fault.Op("ollama").Invalid("there is no home with a key of Ollama: %w", err)
	}
	return filepath.Join(home, ".ollama", "id_ed25519"), nil
}

// readKey reads a private key in OpenSSH's format.
func readKey(path string) (*key, error) {
	at := fault.Op("ollama").File(path)
	text, err := atomicfile.ReadFile(path, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, at.Invalid("there is no key; 'ollama serve' makes one, whose public half you add to your account")
	}
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, at.Corrupt("the key cannot be read: %w", err)
	}
	return &key{signer}, nil
}

// sign returns what proves to a server that the user asks for an address.
func (k *key) sign(u *url.URL) (string, error) {
	nothing := sha256.Sum256(nil) // the body
	text := http.MethodGet + "," + u.String() + "," + base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(nothing[:])))
	signature, err := k.signer.Sign(rand.Reader, []byte(text))
	if err != nil {
		return "", fault.Op("ollama").IO("the key cannot sign: %w", err)
	}
	_, public, _ := bytes.Cut(bytes.TrimSpace(ssh.MarshalAuthorizedKey(k.signer.PublicKey())), []byte(" "))
	return string(public) + ":" + base64.StdEncoding.EncodeToString(signature.Blob), nil
}

var challenged = regexp.MustCompile(`(realm|service|scope)="([^"]*)"`)

// tokenAddress is where a registry that answers 401 wants a token to be got.
// It is on the registry itself, or the signature would tell another host who
// the user is.
func tokenAddress(challenge, host string) (*url.URL, error) {
	at := fault.Op("ollama")
	said := map[string]string{}
	for _, m := range challenged.FindAllStringSubmatch(challenge, -1) {
		said[m[1]] = m[2]
	}
	u, err := url.Parse(said["realm"])
	if !strings.HasPrefix(strings.ToLower(challenge), "bearer ") || err != nil || u.Host == "" {
		return nil, at.Unsupported("the registry %s asks for a kind of login that Ollama does not have", host)
	}
	if u.Host != host {
		return nil, at.Corrupt("the registry %s wants the login to be sent to another host", host)
	}
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	query := u.Query()
	query.Add("service", said["service"])
	for scope := range strings.FieldsSeq(said["scope"]) {
		query.Add("scope", scope)
	}
	query.Add("ts", strconv.FormatInt(time.Now().Unix(), 10))
	query.Add("nonce", base64.RawURLEncoding.EncodeToString(nonce))
	u.RawQuery = query.Encode()
	return u, nil
}
