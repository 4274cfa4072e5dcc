package pgserver

import (
	"os/exec"
	"runtime"
)

// waitOnThread starts cmd and waits for it on one thread: the kernel's signal
// at the parent's death is tied to the thread that started the child, and Go
// ends idle threads.
func waitOnThread(cmd *exec.Cmd, started, ended chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	ended <- cmd.Wait()
}
