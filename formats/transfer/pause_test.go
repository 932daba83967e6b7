package transfer

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPausesAreThoseOfTheServer(t *testing.T) {
	for header, want := range map[string]time.Duration{
		`RateLimit="api";r=0;t=14`: 15 * time.Second, `RateLimit="resolvers";r=0;t=0`: time.Second, "Retry-After=3": 4 * time.Second,
		`RateLimit="api";r=0;t=99999`: 10 * time.Minute,
	} {
		key, value, _ := strings.Cut(header, "=")
		if got := Pause(http.Header{http.CanonicalHeaderKey(key): {value}}, 0, time.Second); got != want {
			t.Errorf("%s: %v, want %v", header, got, want)
		}
	}
	for attempt := range 100 {
		if d := Pause(nil, attempt, 250*time.Millisecond); d <= 0 || d > 16*time.Second {
			t.Errorf("attempt %d: %v", attempt, d)
		}
	}
}
