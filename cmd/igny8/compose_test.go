package main

import (
	"net"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"

	"github.com/igny8/igny8/infra/config"
)

func TestTheComposeFileIsValidAndItsSettingsAreTaken(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{root + "/docker-compose.yml"}, cli.WithEnv([]string{"POSTGRES_PASSWORD=secret"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	service, err := project.GetService("igny8")
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for name, value := range service.Environment {
		environ = append(environ, name+"="+*value)
	}
	loaded, err := config.Load(environ, nil)
	if err != nil || len(loaded.Warnings) > 0 {
		t.Errorf("the settings: %v, warnings %v", err, loaded.Warnings)
	}
	if loaded.Config.DatabaseURL == "" {
		t.Error("it would start a private Postgres beside the one in the file")
	}
	_, port, err := net.SplitHostPort(loaded.Config.Listen)
	if err != nil {
		t.Fatal(err)
	}
	for _, published := range service.Ports {
		if published.HostIP != "127.0.0.1" || port != "8080" || published.Target != 8080 {
			t.Errorf("published: %+v, while it listens on %s", published, port)
		}
	}
	if len(service.Ports) != 1 {
		t.Errorf("%d ports are published, want the API's alone", len(service.Ports))
	}
}

func TestTheComposeFileAsksForTheDatabasesPassword(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{root + "/docker-compose.yml"}, cli.WithEnv(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := options.LoadProject(t.Context()); err == nil {
		t.Error("it starts with an empty password")
	}
}
