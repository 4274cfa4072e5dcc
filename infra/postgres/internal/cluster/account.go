package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// account is the unprivileged user that the server runs as when we are root,
// because PostgreSQL refuses root; nil means as ourselves.
type account struct {
	name     string
	uid, gid uint32
}

// chooseAccount is the owner of the data that is there, else the machine's
// postgres user, else nobody.
func chooseAccount(dir string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no account is an answer: as ourselves.
	}
	info, err := os.Stat(filepath.Join(dir, "data"))
	if err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			return &account{name: "uid " + strconv.Itoa(int(st.Uid)), uid: st.Uid, gid: st.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
			gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
			if err := errors.Join(uidErr, gidErr); err != nil {
				return nil, fmt.Errorf("user %s: %w", name, err)
			}
			return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	const nobody = 65534
	return &account{name: "uid 65534", uid: nobody, gid: nobody}, nil
}

func (a *account) attributes() *syscall.SysProcAttr {
	if a == nil {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
}

func (a *account) chown(path string) error {
	if a == nil {
		return nil
	}
	if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("give %s to %s: %w", path, a.name, err)
	}
	return nil
}

// own gives the folder to the server's account. Where that account cannot walk
// to it (a data folder under /root), it gets the folder as an open file.
func (c *Cluster) own() error {
	if err := os.Chmod(c.opts.Dir, 0o700); err != nil { //nolint:gosec // G302: a folder.
		return fmt.Errorf("folder of PostgreSQL: %w", err)
	}
	if c.account == nil {
		return nil
	}
	if err := c.account.chown(c.opts.Dir); err != nil {
		return err
	}
	blocked, err := c.account.blockedAt(filepath.Dir(c.opts.Dir))
	if err != nil || blocked == "" {
		return err
	}
	if runtime.GOOS != "linux" {
		return fmt.Errorf("as root, PostgreSQL runs as user %s, which may not enter %s: choose another data folder, or chmod o+x that one",
			c.account.name, blocked)
	}
	c.handle, err = os.Open(c.opts.Dir)
	if err != nil {
		return fmt.Errorf("folder of PostgreSQL: %w", err)
	}
	return nil
}

// blockedAt is the first folder on the way to dir that the account may not
// enter, "" for none. Access lists beyond the mode bits are not looked at.
func (a *account) blockedAt(dir string) (string, error) {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return "", fmt.Errorf("folder of PostgreSQL: %w", err)
		}
		enter := os.FileMode(0o001)
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			switch {
			case st.Uid == a.uid:
				enter = 0o100
			case st.Gid == a.gid:
				enter = 0o010
			}
		}
		if info.Mode().Perm()&enter == 0 {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", nil
		}
	}
}
