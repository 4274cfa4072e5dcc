package main

import (
	"net"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/igny8/igny8/infra/config"
)

func TestTheComposeFilePlaysEveryRoleOnceAndItsSettingsAreTaken(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{root + "/docker-compose.yml"}, cli.WithEnv([]string{"POSTGRES_PASSWORD=secret"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	played := map[config.Role]string{}
	for _, service := range project.Services {
		if service.Name == "postgres" {
			continue
		}
		c := taken(t, service)
		for _, role := range c.Roles {
			if other, twice := played[role]; twice {
				t.Errorf("%s and %s both play %s", other, service.Name, role)
			}
			played[role] = service.Name
		}
		want := 0
		if c.Has(config.API) {
			want = 1
		}
		if len(service.Ports) != want {
			t.Errorf("%s publishes %d ports, want the API's alone", service.Name, len(service.Ports))
		}
		for _, published := range service.Ports {
			_, port, err := net.SplitHostPort(c.Listen)
			if err != nil {
				t.Fatal(err)
			}
			if published.HostIP != "127.0.0.1" || port != "8080" || published.Target != 8080 {
				t.Errorf("published: %+v, while it listens on %s", published, port)
			}
		}
	}
	for _, role := range config.Roles() {
		if played[role] == "" {
			t.Errorf("nothing plays %s", role)
		}
	}
}

// taken is a service's settings as igny8 reads them.
func taken(t *testing.T, service types.ServiceConfig) config.Config {
	t.Helper()
	var environ []string
	for name, value := range service.Environment {
		environ = append(environ, name+"="+*value)
	}
	loaded, err := config.Load(environ, nil)
	if err != nil || len(loaded.Warnings) > 0 {
		t.Errorf("the settings of %s: %v, warnings %v", service.Name, err, loaded.Warnings)
	}
	if loaded.Config.DatabaseURL == "" {
		t.Errorf("%s would start a private Postgres beside the one in the file", service.Name)
	}
	return loaded.Config
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
