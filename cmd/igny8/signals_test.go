package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/igny8/igny8/infra/config"
)

// testProcess makes the test binary play the program: "gentle" stops when it is
// asked to, "stubborn" never does, "mortal" is the real one that kills itself
// where a fault says so.
const testProcess = "TEST_OF_IGNY8_PLAYS"

func TestMain(m *testing.M) {
	manner := os.Getenv(testProcess)
	if manner == "" {
		os.Exit(m.Run())
	}
	if manner == "mortal" {
		mortal := allParts()
		mortal.serve = serveWith(backendOptions{step: killingItself(os.Getenv(faultFile)), chunk: mortalChunk})
		os.Exit(start(mortal))
	}
	os.Args = []string{"igny8", "serve"}
	os.Exit(start(parts{serve: func(ctx context.Context, _ config.Config, _ *slog.Logger, listening func(string)) error {
		listening("http://127.0.0.1:0")
		<-ctx.Done()
		listening("its end")
		if manner == "stubborn" {
			select {}
		}
		return nil
	}}))
}

func TestTheFirstSignalFinishesWhatIsInFlightAndTheSecondStopsAtOnce(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		for _, manner := range []string{"gentle", "stubborn"} {
			t.Run(manner+" "+signal.String(), func(t *testing.T) {
				t.Parallel()
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = []string{testProcess + "=" + manner}
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				stdout, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(stdout)
				for _, want := range []string{"listening on http://127.0.0.1:0", "listening on its end"} {
					if !lines.Scan() || lines.Text() != want {
						t.Fatalf("got %q, want %q; %s", lines.Text(), want, stderr.String())
					}
					if want == "listening on its end" && manner == "gentle" {
						break // it ends by itself
					}
					if err := cmd.Process.Signal(signal); err != nil {
						t.Fatal(err)
					}
				}
				err = cmd.Wait()
				if manner == "gentle" {
					if err != nil {
						t.Errorf("it ended with %v: %s", err, stderr.String())
					}
					return
				}
				var exit *exec.ExitError
				if !errors.As(err, &exit) {
					t.Fatalf("it ended with %v", err)
				}
				if exit.ExitCode() != exitFailed {
					t.Errorf("it was not stopped by the signal: %v", err)
				}
			})
		}
	}
}
