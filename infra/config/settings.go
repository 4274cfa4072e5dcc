package config

// Setting defines one setting: how it is named, what it means, how it is read.
type Setting struct {
	// Name is the environment variable; it names the setting everywhere.
	Name string
	// Flag is the command-line flag without dashes; "" where there is none.
	Flag string
	// Default is what holds when it is not set; "" is no value.
	Default string
	// Help is one or two sentences for a newcomer.
	Help string

	// set reads raw into the configuration; nothing is wrong when it is nil.
	set func(c *Config, raw string) *Problem
	// mask hides what is secret in a value; nil shows it whole.
	mask func(raw string) string
}

func (s Setting) show(raw string) string {
	if s.mask == nil || raw == "" {
		return raw
	}
	return s.mask(raw)
}

// Settings lists all settings in the order of the documentation.
func Settings() []Setting { return settings() }

func settings() []Setting {
	return []Setting{
		{
			Name: "IGNY8_LISTEN", Flag: "listen", Default: "127.0.0.1:8080",
			Help: "Address of the API, host:port. Port 0 picks a free one; 0.0.0.0 opens it to the network.",
			set:  address(func(c *Config) *string { return &c.Listen }, false),
		},
		{
			Name: "IGNY8_METRICS_LISTEN", Flag: "metrics-listen", Default: "127.0.0.1:9464",
			Help: "Address of the Prometheus metrics, apart from the API so that it can stay private; off serves none.",
			set:  address(func(c *Config) *string { return &c.MetricsListen }, true),
		},
		{
			Name: "IGNY8_PUBLIC_URL", Flag: "public-url",
			Help: "How clients reach the API, such as https://api.example.com, for links in answers. Not set: the listening address.",
			set:  setPublicURL, mask: maskURL,
		},
		{
			Name: "IGNY8_DATA", Flag: "data", Default: "data",
			Help: "Folder for everything that is kept on this machine: the private Postgres, the master key, the erasure log. Made when absent.",
			set:  path(func(c *Config) *string { return &c.DataDir }),
		},
		{
			Name: "IGNY8_MASTER_KEY_FILE",
			Help: "File with the key that protects all personal data; made with mode 0600 when absent. Keep a copy of it: without it personal data cannot be read. Not set: master.key in the data folder.",
			set:  path(func(c *Config) *string { return &c.MasterKeyFile }),
		},
		{
			Name: "DATABASE_URL",
			Help: "Postgres to use, postgres://user@host:5432/database with the password as user:password@. The user must be allowed to create roles. Not set: a private Postgres is started in the data folder.",
			set:  setDatabaseURL, mask: maskURL,
		},
		{
			Name: "EVENT_STORE", Default: "postgres",
			Help: "Where events are kept: postgres, or esdb (EventStoreDB; not built yet).",
			set:  oneOf(func(c *Config) *string { return &c.Profile.EventStore }, "postgres", "esdb"),
		},
		{
			Name: "ESDB_URL",
			Help: "EventStoreDB to use when EVENT_STORE=esdb, esdb://host:2113.",
			set:  text(func(c *Config) *string { return &c.ESDBURL }), mask: maskURL,
		},
		{
			Name: "BUS", Default: "store",
			Help: "What feeds consumers: store (the event log itself), or kafka (not built yet).",
			set:  oneOf(func(c *Config) *string { return &c.Profile.Bus }, "store", "kafka"),
		},
		{
			Name: "KAFKA_BROKERS",
			Help: "Kafka brokers when BUS=kafka, host:port, separated by commas.",
			set:  setBrokers,
		},
		{
			Name: "ERASURE_LOG",
			Help: "File of erasure receipts. Keep it outside of backups: a restore applies it again before serving. Not set: erasures.log in the data folder.",
			set:  path(func(c *Config) *string { return &c.ErasureLog }),
		},
		{
			Name: "IGNY8_ROLES", Flag: "roles", Default: "all",
			Help: "What this process does: all, or some of api, projector, consumer, worker, scheduler, separated by commas.",
			set:  setRoles,
		},
		{
			Name: "IGNY8_THROTTLES", Default: "on",
			Help: "Limits of requests a minute: on, or off for benchmarks and contract tests.",
			set:  setThrottles,
		},
		{
			Name: "IGNY8_REQUEST_TIMEOUT", Default: "30s",
			Help: "How long a request may take, 1s to 10m.",
			set:  setRequestTimeout,
		},
		{
			Name: "IGNY8_BODY_LIMIT", Default: "10MB",
			Help: "Largest request body, such as 512KB or 10MB (1 KB is 1,024 bytes).",
			set:  size(func(c *Config) *int64 { return &c.BodyLimit }),
		},
		{
			Name: "IGNY8_UPLOAD_LIMIT", Default: "100MB",
			Help: "Largest file that can be uploaded, such as a keyword export.",
			set:  size(func(c *Config) *int64 { return &c.UploadLimit }),
		},
		{
			Name: "IGNY8_TRUSTED_PROXIES",
			Help: "Addresses or networks (10.0.0.0/8) of your own proxies, separated by commas. Only their X-Forwarded-For is believed.",
			set:  setTrustedProxies,
		},
		{
			Name: "IGNY8_CORS_ORIGINS",
			Help: "Origins whose pages may call the API from a browser, https://app.example.com, separated by commas. * is refused.",
			set:  setCORSOrigins,
		},
		{
			Name: "IGNY8_LOG_LEVEL", Flag: "log-level", Default: "info",
			Help: "Least level that is logged: debug, info, warn or error.",
			set:  setLogLevel,
		},
		{
			Name: "IGNY8_LOG_FORMAT", Flag: "log-format", Default: "json",
			Help: "Format of the log on standard error: json, or text for people.",
			set:  oneOf(func(c *Config) *string { return &c.LogFormat }, "json", "text"),
		},
	}
}
