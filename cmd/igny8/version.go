package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Help is shown by `igny8 version --help`.
func (versionCommand) Help() string {
	return "Example:\n\n  igny8 version --json"
}

// versionAnswer is what `igny8 version --json` prints.
type versionAnswer struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the source; "" when it is not known
	Changed  bool   `json:"changed"`  // the source differed from that revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// version is the module's version, or "dev" for what was built from a work
// tree without one.
func version() string { return built().Version }

func built() versionAnswer {
	v := versionAnswer{Version: "dev", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Revision = setting.Value
		case "vcs.modified":
			v.Changed = setting.Value == "true"
		}
	}
	return v
}

// Run prints the version.
func (*versionCommand) Run(_ context.Context, s *session) error {
	v := built()
	return s.answer(v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "igny8 %s\n%s %s\n", v.Version, v.Go, v.Platform)
		return err
	})
}
