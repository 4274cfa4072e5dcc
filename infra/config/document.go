package config

import (
	"fmt"
	"strings"
)

// Document is docs/configuration.md: every setting with its flag, its default
// and what it means.
func Document() string {
	var b strings.Builder
	b.WriteString("# Settings\n\nMade from the code by `make generate`; do not edit.\n\n" +
		"Each is an environment variable; some are flags too, and a flag wins. `igny8 config` prints what is in force, where it came from, and what is wrong with it, with secrets masked.\n\n" +
		"| variable | flag | default | meaning |\n|---|---|---|---|\n")
	code := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + s + "`"
	}
	for _, s := range Settings() {
		flag := s.Flag
		if flag != "" {
			flag = "--" + flag
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, code(flag), code(s.Default), s.Help)
	}
	return b.String()
}
