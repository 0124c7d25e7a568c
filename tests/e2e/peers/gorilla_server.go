// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Echo server of gorilla/websocket, inside TLS if the suite gives it a certificate; at /echo it answers requests of HTTP.
// Argument: PORT.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

var (
	lock   sync.Mutex
	counts = map[string]int{}
)

func count(kind, size int) {
	name := map[int]string{websocket.TextMessage: "text", websocket.BinaryMessage: "binary"}[kind]
	lock.Lock()
	defer lock.Unlock()
	for _, direction := range []string{"received", "sent"} {
		counts[direction+"."+name]++
		counts["bytes."+direction] += size
	}
}

func echo(writer http.ResponseWriter, request *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	connection, err := upgrader.Upgrade(writer, request, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	for {
		kind, data, err := connection.ReadMessage()
		if err != nil {
			return
		}
		count(kind, len(data))
		if connection.WriteMessage(kind, data) != nil {
			return
		}
	}
}

// serve has HTTP/1.1 alone spoken, and session keys noted, inside TLS.
func serve(listener net.Listener) {
	http.HandleFunc("/", echo)
	http.HandleFunc("/echo", func(writer http.ResponseWriter, request *http.Request) {
		// All of it first: this server reads no more once it has begun to answer.
		if body, err := io.ReadAll(request.Body); err == nil {
			writer.Write(body)
		}
	})
	file := os.Getenv("E2E_CERTIFICATE")
	if file == "" {
		http.Serve(listener, nil)
		return
	}
	server := http.Server{TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	if keys, err := os.OpenFile(os.Getenv("SSLKEYLOGFILE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		server.TLSConfig = &tls.Config{KeyLogWriter: keys}
	}
	fmt.Fprintln(os.Stderr, server.ServeTLS(listener, file, file))
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go serve(listener)
	fmt.Printf("{\"listening\": %s}\n", os.Args[1])
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		lock.Lock()
		json.NewEncoder(os.Stdout).Encode(counts)
		lock.Unlock()
	}
}
