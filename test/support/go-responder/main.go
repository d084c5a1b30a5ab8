// A FastCGI application made with Go's net/http/fcgi: one process that answers many requests on one connection.
//
//	responder unix PATH
//	responder tcp
//
// Prints "ready", and for tcp the port, when it listens.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"strconv"
)

func main() {
	address := "127.0.0.1:0"
	if os.Args[1] == "unix" {
		address = os.Args[2]
	}
	listener, err := net.Listen(os.Args[1], address)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("/pid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		length, _ := strconv.Atoi(r.URL.RawQuery)
		body := make([]byte, length)
		for at := range body {
			body[at] = byte(at*31 + at>>8)
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(body)
	})
	mux.HandleFunc("/panic", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "some of it")
		w.(http.Flusher).Flush()
		os.Exit(1)
	})
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
		fmt.Println("ready", tcp.Port)
	} else {
		fmt.Println("ready")
	}
	panic(fcgi.Serve(listener, mux))
}
