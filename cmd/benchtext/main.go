// Command benchtext measures the built-in work on texts: how well clusters fit
// what people say belongs together, and what clustering costs as keywords grow.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/igny8/igny8/commands/planner"
	"github.com/igny8/igny8/infra/builtin"
	"github.com/igny8/igny8/infra/builtin/quality"
)

func main() {
	files := flag.String("labelled", "../shared/data/clinc150_val.csv,infra/builtin/testdata/topics.csv,infra/builtin/testdata/languages.csv", "csv files of a phrase and its topic, separated by commas")
	sizes := flag.String("sizes", "1000,10000,50000", "how many keywords to cluster, separated by commas")
	flag.Parse()
	if err := measure(strings.Split(*files, ","), strings.Split(*sizes, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "benchtext:", err)
		os.Exit(1)
	}
}

func measure(files, sizes []string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "WHAT\tPHRASES\tTOPICS\tCLUSTERS\tV-MEASURE\tARI\tTIME\tCPU\tPEAK HEAP")
	for _, file := range files {
		phrases, labels, err := labelled(file)
		if errors.Is(err, fs.ErrNotExist) {
			_, _ = fmt.Fprintf(table, "%s\tis not here\n", file)
			continue
		}
		if err != nil {
			return err
		}
		c, cost, err := timed(phrases)
		if err != nil {
			return err
		}
		clusters := make([]int, len(phrases))
		for n, g := range c.Groups {
			for _, m := range g.Members {
				clusters[m] = n
			}
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%.3f\t%.3f\t%s\n", file, len(phrases), topics(labels), len(c.Groups),
			quality.VMeasure(labels, clusters), quality.ARI(labels, clusters), cost)
	}
	for _, size := range sizes {
		n, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		c, cost, err := timed(builtin.Keywords(n))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(table, "made-up keywords\t%d\t\t%d\t\t\t%s\n", n, len(c.Groups), cost)
	}
	return table.Flush()
}

func labelled(file string) (phrases []planner.Phrase, labels []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read.
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, row := range rows[min(1, len(rows)):] {
		phrases, labels = append(phrases, planner.Phrase{Text: row[0]}), append(labels, row[1])
	}
	return phrases, labels, nil
}

func topics(labels []string) int {
	all := map[string]bool{}
	for _, l := range labels {
		all[l] = true
	}
	return len(all)
}

// cost is what a clustering took: by the clock, of all cores together, and of heap
// at most. On a busy machine only the cores' time says much.
type cost struct {
	clock, cores time.Duration
	heap         uint64
}

// String is the last three columns of the table.
func (c cost) String() string {
	return fmt.Sprintf("%s\t%s\t%d MB", c.clock.Round(time.Millisecond), c.cores.Round(time.Millisecond), c.heap>>20)
}

// timed clusters the phrases and gives what that cost.
func timed(phrases []planner.Phrase) (c planner.Clusters, spent cost, err error) {
	runtime.GC()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			spent.heap = max(spent.heap, now.HeapAlloc)
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	from, used := time.Now(), cores()
	c, err = builtin.New().Cluster(context.Background(), phrases, func(int64, int64) {})
	clock, busy := time.Since(from), cores()-used
	close(stop)
	<-stopped
	spent.clock, spent.cores = clock, busy
	return c, spent, err
}

// cores is how long cores have worked for this process.
func cores() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
