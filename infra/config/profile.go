package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// Role is a part of the work that a process may do.
type Role string

// The roles that exist so far. `igny8 serve` without --roles plays them all.
const (
	API       Role = "api"       // answers requests
	Projector Role = "projector" // keeps the read models
	Consumer  Role = "consumer"  // does what follows from events by itself
	Worker    Role = "worker"    // does tasks in the background
	Scheduler Role = "scheduler" // does what is periodic, one process at a time
)

// Roles lists all roles.
func Roles() []Role { return []Role{API, Projector, Consumer, Worker, Scheduler} }

// chooseRoles says what can be set.
const chooseRoles = "use all, or some of api, projector, consumer, worker, scheduler"

// plannedRoles are named in the design and not built yet.
func plannedRoles() []string { return []string{"relay"} }

// Profile is where events are kept and what feeds consumers.
type Profile struct {
	EventStore string // "postgres" or "esdb"
	Bus        string // "store" or "kafka"
}

// String is the profile's name, such as "postgres+store".
func (p Profile) String() string { return p.EventStore + "+" + p.Bus }

func setRoles(c *Config, raw string) *Problem {
	if raw == "all" {
		c.Roles = Roles()
		return nil
	}
	for _, item := range list(raw) {
		switch role := Role(item); {
		case slices.Contains(plannedRoles(), item):
			return wrong(chooseRoles, "the role %s is not built yet", item)
		case !slices.Contains(Roles(), role):
			return wrong(chooseRoles, "%q is not a role", item)
		case !c.Has(role):
			c.Roles = append(c.Roles, role)
		}
	}
	if len(c.Roles) == 0 {
		return wrong(chooseRoles, "it names no role")
	}
	return nil
}

// contradictions are the settings that are right by themselves and wrong
// together.
func (c *Config) contradictions() []error {
	var problems []error
	add := func(setting, wrong, mend string) {
		problems = append(problems, &Problem{Setting: setting, Wrong: wrong, Mend: mend})
	}
	switch c.Profile.String() {
	case "postgres+store":
	case "postgres+kafka", "esdb+kafka":
		add("EVENT_STORE, BUS", "the profile "+c.Profile.String()+" is not built yet", "leave both out, which is postgres+store")
	case "esdb+store":
		add("EVENT_STORE, BUS", "esdb+store is not a profile: EventStoreDB is for the cluster, whose consumers Kafka feeds", "use postgres+store, postgres+kafka or esdb+kafka; the last two are not built yet")
	}
	if c.Profile.EventStore == "esdb" && c.ESDBURL == "" {
		add("ESDB_URL", "it is not set, and EVENT_STORE=esdb needs it", "give esdb://host:2113")
	}
	if c.Profile.Bus == "kafka" && len(c.KafkaBrokers) == 0 {
		add("KAFKA_BROKERS", "it is not set, and BUS=kafka needs it", "give host:port, separated by commas")
	}
	if c.DatabaseURL == "" && len(c.Roles) > 0 && len(c.Roles) < len(Roles()) {
		add("IGNY8_ROLES", "splitting the roles needs a Postgres that all processes reach, and the private one belongs to one process", "set DATABASE_URL, or leave IGNY8_ROLES out")
	}
	if c.MetricsListen != "" && c.MetricsListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		add("IGNY8_METRICS_LISTEN", "it is the address of the API", "give another port, or off")
	}
	return problems
}

// derive fills in what follows from other settings, also in what is shown.
func (c *Config) derive(values []Value) []Value {
	if c.MasterKeyFile == "" {
		c.MasterKeyFile = filepath.Join(c.DataDir, "master.key")
	}
	if c.ErasureLog == "" {
		c.ErasureLog = filepath.Join(c.DataDir, "erasures.log")
	}
	for i, v := range values {
		switch v.Name {
		case "IGNY8_DATA":
			values[i].Value = c.DataDir
		case "IGNY8_MASTER_KEY_FILE":
			values[i].Value = c.MasterKeyFile
		case "ERASURE_LOG":
			values[i].Value = c.ErasureLog
		case "DATABASE_URL":
			if v.Value == "" {
				values[i].Value = "(private Postgres in the data folder)"
			}
		}
	}
	return values
}

func (c *Config) doubts() []string {
	var warnings []string
	if c.MetricsListen != "" && !loopback(c.MetricsListen) {
		warnings = append(warnings, "IGNY8_METRICS_LISTEN is no loopback address: everybody who reaches it reads the metrics")
	}
	if !c.Throttles {
		warnings = append(warnings, "IGNY8_THROTTLES=off: request rates are not limited; this is for benchmarks and contract tests only")
	}
	if c.Profile.EventStore == "postgres" && c.ESDBURL != "" {
		warnings = append(warnings, "ESDB_URL is ignored: EVENT_STORE is postgres")
	}
	if c.Profile.Bus == "store" && len(c.KafkaBrokers) > 0 {
		warnings = append(warnings, "KAFKA_BROKERS is ignored: BUS is store")
	}
	return warnings
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
