//go:build !linux

package pgserver

import "os/exec"

// dieWithUs cannot tie the server to our life here; the next Start stops it.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr.Setpgid = true }
