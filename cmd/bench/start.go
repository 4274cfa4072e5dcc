package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// measureStart starts the program on an empty folder and again on the same one,
// and looks at its memory once it is idle.
func measureStart(ctx context.Context, binary, folder string, t *tableOf) error {
	for _, kind := range []string{"cold", "warm"} {
		begin := time.Now()
		p, err := serve(ctx, binary, "IGNY8_DATA="+folder)
		if err != nil {
			return err
		}
		ready := time.Since(begin)
		what, limit := "cold start: empty folder to listening, with its own Postgres", aim{}
		if kind == "warm" {
			what = "warm start"
		} else {
			limit = atMost(ready.Seconds(), 5, " s")
		}
		t.row(what, fmt.Sprintf("%.2f s", ready.Seconds()), "", "", limit)
		if kind == "warm" {
			if err := p.idleMemory(ctx, t); err != nil {
				return errors.Join(err, p.stop())
			}
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	return nil
}

// program is an igny8 that serves.
type program struct {
	cmd *exec.Cmd
	url string
}

// serve starts the program and waits until it listens.
func serve(ctx context.Context, binary string, environ ...string) (*program, error) {
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Env = append(os.Environ(), append(environ,
		"IGNY8_LISTEN=127.0.0.1:0", "IGNY8_METRICS_LISTEN=off", "IGNY8_THROTTLES=off", "IGNY8_LOG_LEVEL=error")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return nil, errors.Join(errors.New("it never listened"), cmd.Wait())
	}
	return &program{cmd, strings.TrimPrefix(lines.Text(), "listening on ")}, nil
}

func (p *program) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}

const idleFor = 5 * time.Second

// idleMemory is the resident memory of the program, and, apart, the
// proportional share of its Postgres.
func (p *program) idleMemory(ctx context.Context, t *tableOf) error {
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
		return ctx.Err()
	}
	own, err := field(p.cmd.Process.Pid, "status", "VmRSS:")
	if err != nil {
		return err
	}
	postgres := int64(0)
	for _, pid := range descendants(p.cmd.Process.Pid) {
		share, err := field(pid, "smaps_rollup", "Pss:")
		if err == nil { // it may have ended meanwhile.
			postgres += share
		}
	}
	mb := float64(own) / 1024
	t.row("idle memory of igny8, resident", fmt.Sprintf("%.0f MB", mb), fmt.Sprintf("its Postgres: %d MB more", postgres/1024), "", atMost(mb, 150, " MB"))
	return nil
}

// field reads a number of kilobytes from a file of /proc.
func field(pid int, file, name string) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, name); found {
			return strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("no %s in %s of process %d", name, file, pid)
}

// descendants are the processes that pid started, and theirs.
func descendants(pid int) (all []int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err == nil && len(tasks) > 1 {
		text = nil
		for _, task := range tasks {
			part, err := os.ReadFile(task)
			if err == nil {
				text = append(text, part...)
			}
		}
	}
	for _, word := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(word); err == nil {
			all = append(all, child)
			all = append(all, descendants(child)...)
		}
	}
	return all
}
