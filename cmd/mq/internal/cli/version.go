package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/f190792d/mq/eval/kernel"
)

// version returns which build this is, from the module's build information.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	if revision := setting(info, "vcs.revision"); revision != "" && info.Main.Version == "(devel)" {
		return "devel-" + revision[:min(12, len(revision))]
	}
	return info.Main.Version
}

// build is what a report of a fault needs to know beside the version: commit
// and date, as far as the build knows them, compiler, system and kernels.
func build() string {
	var lines []string
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, fmt.Sprintf("%-8s %s\n", name, value))
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		revision := setting(info, "vcs.revision")
		if revision != "" && setting(info, "vcs.modified") == "true" {
			revision += ", changed"
		}
		add("commit", revision)
		add("date", setting(info, "vcs.time"))
	}
	add("built", runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH)
	add("kernels", kernel.Name())
	return strings.Join(lines, "")
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
