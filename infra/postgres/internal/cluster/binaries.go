package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// ErrNoBinaries says that no usable PostgreSQL is installed.
var ErrNoBinaries = errors.New("no usable PostgreSQL binaries (postgres, initdb) found")

// oldest is the first major version whose SQL ours relies on.
const oldest = 15

// installed are the folders, besides PATH, in which packages put the binaries.
func installed() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/opt/homebrew/opt/postgresql/bin",
		"/usr/local/opt/postgresql@*/bin", "/usr/local/opt/postgresql/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/usr/local/pgsql/bin",
	}
}

// dataVersion is the major version that made a data directory, "" for none.
func dataVersion(data string) (string, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("data of PostgreSQL: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// findBinaries is the folder with postgres and initdb of the wanted major
// version, or the newest when any will do; cache is where to download to.
func findBinaries(ctx context.Context, major, cache string, log *slog.Logger) (string, error) {
	var folders []string
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = append(folders, realFolder(path))
	}
	for _, pattern := range installed() {
		found, _ := filepath.Glob(filepath.Join(pattern, "postgres"))
		for _, path := range found {
			folders = append(folders, realFolder(path))
		}
	}
	if cache != "" {
		folders = append(folders, filepath.Join(cache, "bin"))
	}
	best, bestVersion := "", 0
	var seen []string
	for _, folder := range folders {
		if slices.Contains(seen, folder) {
			continue
		}
		seen = append(seen, folder)
		version := majorOf(ctx, folder)
		if version < oldest || (major != "" && strconv.Itoa(version) != major) {
			continue
		}
		if version > bestVersion {
			best, bestVersion = folder, version
		}
	}
	if best != "" {
		return best, nil
	}
	if major != "" {
		return "", fmt.Errorf("%w: this data was made by PostgreSQL %s; install that version (looked in %s)",
			ErrNoBinaries, major, strings.Join(seen, ", "))
	}
	if cache == "" {
		return "", fmt.Errorf("%w: install PostgreSQL %d or newer, or put its bin folder on PATH", ErrNoBinaries, oldest)
	}
	return download(ctx, cache, log)
}

func realFolder(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Dir(path)
}

// majorOf is the major version of the binaries in a folder, 0 when they cannot
// run or initdb is missing.
func majorOf(ctx context.Context, folder string) int {
	if _, err := os.Stat(filepath.Join(folder, "initdb")); err != nil {
		return 0
	}
	out, err := exec.CommandContext(ctx, filepath.Join(folder, "postgres"), "--version").Output() //nolint:gosec // G204: a PostgreSQL found on this machine.
	if err != nil {
		return 0
	}
	match := regexp.MustCompile(`\) (\d+)`).FindSubmatch(out)
	if match == nil {
		return 0
	}
	version, _ := strconv.Atoi(string(match[1]))
	return version
}

// download fetches PostgreSQL's binaries into cache. The library downloads only
// as a part of starting a server, so one is started on scratch data and stopped;
// as root that start is refused, but only after the download that we are after.
func download(ctx context.Context, cache string, log *slog.Logger) (string, error) {
	log.WarnContext(ctx, "no PostgreSQL is installed: downloading its binaries", slog.String("folder", cache))
	scratch, err := os.MkdirTemp("", "igny8-download-*")
	if err != nil {
		return "", fmt.Errorf("download PostgreSQL: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	if err := os.MkdirAll(cache, 0o755); err != nil { //nolint:gosec // G301: binaries that the unprivileged account must run.
		return "", fmt.Errorf("download PostgreSQL: %w", err)
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", fmt.Errorf("download PostgreSQL: %w", err)
	}
	server := embedded.NewDatabase(embedded.DefaultConfig().
		Version(embedded.V17).Port(port).BinariesPath(cache).CachePath(filepath.Join(cache, "archive")).
		RuntimePath(filepath.Join(scratch, "run")).DataPath(filepath.Join(scratch, "data")).
		Logger(slogWriter{ctx, log}))
	startErr := server.Start()
	if startErr == nil {
		startErr = server.Stop()
	}
	if folder := filepath.Join(cache, "bin"); majorOf(ctx, folder) >= oldest {
		return folder, nil
	}
	return "", fmt.Errorf("%w, and they could not be downloaded (%w); install PostgreSQL %d or newer, or set DATABASE_URL",
		ErrNoBinaries, startErr, oldest)
}

func freePort(ctx context.Context) (uint32, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("not a TCP address")
	}
	return uint32(addr.Port), nil //nolint:gosec // G115: a port fits.
}

type slogWriter struct {
	ctx context.Context
	log *slog.Logger
}

func (w slogWriter) Write(p []byte) (int, error) {
	w.log.DebugContext(w.ctx, "postgres", slog.String("line", strings.TrimSpace(string(p))))
	return len(p), nil
}
