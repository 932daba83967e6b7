package transfer

import (
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Retriable reports whether the same request may succeed later.
func Retriable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// reset finds the seconds until a quota is renewed, as in
// RateLimit: "api";r=0;t=14.
var reset = regexp.MustCompile(`;\s*t=(\d+)`)

// Pause is how long to wait before attempt n, counted from 0: what the server
// says, or twice as long each time from base on.
func Pause(header http.Header, attempt int, base time.Duration) time.Duration {
	const most = 10 * time.Minute
	if header != nil {
		if m := reset.FindStringSubmatch(header.Get("RateLimit")); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				return min(time.Duration(n+1)*time.Second, most)
			}
		}
		if n, err := strconv.Atoi(strings.TrimSpace(header.Get("Retry-After"))); err == nil && n >= 0 {
			return min(time.Duration(n+1)*time.Second, most)
		}
		if t, err := http.ParseTime(header.Get("Retry-After")); err == nil {
			return min(max(time.Until(t)+time.Second, 0), most)
		}
	}
	base = min(base<<min(attempt, 6), 8*time.Second)
	return base + time.Duration(rand.Int64N(int64(base/2)+1))
}
