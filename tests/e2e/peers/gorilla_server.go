// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Echo server of gorilla/websocket. Argument: PORT.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
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

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go http.Serve(listener, http.HandlerFunc(echo))
	fmt.Printf("{\"listening\": %s}\n", os.Args[1])
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		lock.Lock()
		json.NewEncoder(os.Stdout).Encode(counts)
		lock.Unlock()
	}
}
