// The Go package gofast on one core, each connection kept.
//
//	gofast-client      SOCKET, PARAMS (lines of NAME=VALUE) and BODY (bytes) are in the environment
//
// Each line on stdin, "CONNECTIONS SECONDS", is a run in a closed loop, and answered by a line of JSON. BODY is without the head of CGI,
// which gofast takes off.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/yookoala/gofast"
)

type setup struct {
	socket string
	params map[string]string
	body   int
}

// counter is an http.ResponseWriter that counts the body.
type counter struct {
	header http.Header
	status int
	bytes  int
}

func (c *counter) Header() http.Header    { return c.header }
func (c *counter) WriteHeader(status int) { c.status = status }
func (c *counter) Write(data []byte) (int, error) {
	c.bytes += len(data)
	return len(data), nil
}

func ask(client gofast.Client, given setup) error {
	request := gofast.NewRequest(nil)
	request.KeepConn = true
	for name, value := range given.params {
		request.Params[name] = value
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	answer := counter{header: make(http.Header)}
	if err := response.WriteTo(&answer, io.Discard); err != nil {
		return err
	}
	if answer.status != http.StatusOK || answer.bytes != given.body {
		return fmt.Errorf("status %d with %d bytes", answer.status, answer.bytes)
	}
	return nil
}

// lane asks over one connection until the deadline, and tells how long each answer took.
func lane(given setup, deadline time.Time) []time.Duration {
	client, err := gofast.SimpleClientFactory(gofast.SimpleConnFactory("unix", given.socket))()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var latencies []time.Duration
	for begun := time.Now(); begun.Before(deadline); {
		if err := ask(client, given); err != nil {
			log.Fatal(err)
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(begun))
		begun = now
	}
	return latencies
}

func measure(given setup, connections int, seconds float64) map[string]float64 {
	begun := time.Now()
	deadline := begun.Add(time.Duration(seconds * float64(time.Second)))
	var mutex sync.Mutex
	var lanes sync.WaitGroup
	var all []time.Duration
	for range make([]struct{}, connections) {
		lanes.Add(1)
		go func() {
			defer lanes.Done()
			own := lane(given, deadline)
			mutex.Lock()
			all = append(all, own...)
			mutex.Unlock()
		}()
	}
	lanes.Wait()
	took := time.Since(begun).Seconds()
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	at := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))].Nanoseconds()) / 1000
	}
	return map[string]float64{
		"requests": float64(len(all)), "seconds": took, "p50": at(0.5), "p99": at(0.99), "p999": at(0.999),
	}
}

func main() {
	body, err := strconv.Atoi(os.Getenv("BODY"))
	if err != nil {
		log.Fatal(err)
	}
	given := setup{socket: os.Getenv("SOCKET"), params: map[string]string{}, body: body}
	for _, line := range strings.Split(os.Getenv("PARAMS"), "\n") {
		name, value, _ := strings.Cut(line, "=")
		given.params[name] = value
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		connections, _ := strconv.Atoi(words[0])
		seconds, _ := strconv.ParseFloat(words[1], 64)
		if err := json.NewEncoder(os.Stdout).Encode(measure(given, connections, seconds)); err != nil {
			log.Fatal(err)
		}
	}
}
