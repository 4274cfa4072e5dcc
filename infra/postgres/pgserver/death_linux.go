package pgserver

import (
	"os/exec"
	"syscall"
)

// dieWithUs makes the server shut down, cleanly, when we are killed.
func dieWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	cmd.SysProcAttr.Setpgid = true
}
